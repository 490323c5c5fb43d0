"""What people do on the page: each a form with a mark of its session, a name and a reason."""

from __future__ import annotations

import json
from typing import Any, LiteralString
from urllib.parse import urlencode, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from pg_artery import queries
from pg_artery.monitor.guard import Guard
from pg_artery.monitor.pages import Pages
from pg_artery.monitor.store import Store
from pg_artery.monitor.words import LANGUAGES

YEAR_S = 365 * 86400
_MATCHING: dict[str, LiteralString] = {
    "retry-matching": queries.TASKS_RETRY,
    "hold-matching": queries.TASKS_HOLD,
    "release-matching": queries.TASKS_RELEASE,
}


class Actions:
    """Runs actions as the page's database role, which must be allowed to."""

    def __init__(self, store: Store, guard: Guard, pages: Pages) -> None:
        self._store = store
        self._guard = guard
        self._pages = pages

    async def login(self, request: Request) -> Response:
        """Admit whoever has the token."""
        form = await request.form()
        if not self._guard.admits(str(form.get("token", "")).strip()):
            return self._pages.show(request, "login", 403, wrong=True)
        request.state.admitted = True
        request.state.fresh = True
        return RedirectResponse("/", 303)

    async def language(self, request: Request) -> Response:
        """Remember the viewer's language."""
        form = await request.form()
        response = RedirectResponse(_local(str(form.get("back", "/"))), 303)
        if form.get("language") in LANGUAGES:
            response.set_cookie("language", str(form["language"]), max_age=YEAR_S, samesite="lax")
        return response

    async def run(self, request: Request) -> Response:
        """Do one action, and go back to where it was asked for."""
        form = await request.form()
        if not self._guard.good_form(request, str(form.get("mark", ""))):
            return PlainTextResponse("the form is of another session: reload the page\n", 403)
        who, why = (str(form.get(name, "")).strip() for name in ("who", "why"))
        planned = _plan(request.path_params["action"], form, f"{who}: {why}")
        if planned is None or not who or not why:
            return PlainTextResponse("unknown action, or no name or reason given\n", 400)
        done = await run_in_threadpool(self._store.act, *planned)
        count = done.get("tasks", done.get("messages", 1))
        back = _local(str(form.get("back", "/")))
        joint = "&" if "?" in back else "?"
        response = RedirectResponse(f"{back}{joint}{urlencode({'done': count})}", 303)
        response.set_cookie("who", who, max_age=YEAR_S, samesite="lax")
        return response


def _plan(action: str, form: FormData, reason: str) -> tuple[LiteralString, tuple[Any, ...]] | None:
    """Give the call that an action stands for; None for none."""

    def text(name: str) -> str:
        return str(form.get(name, ""))

    def number(name: str) -> int | None:
        return int(text(name)) if text(name).isdecimal() else None

    match action:
        case "retry":
            return queries.TASK_RETRY, (number("task"), reason)
        case "retry-matching" | "hold-matching" | "release-matching":
            wanted = {n: text(n) for n in ("status", "topic", "endpoint", "document_id") if text(n)}
            # all that are on hold: no filter at all would be refused
            wanted = wanted or {"created_before": "infinity"}
            return _MATCHING[action], (json.dumps(wanted), reason)
        case "hold":
            return queries.TASK_HOLD, (number("task"), reason)
        case "release":
            return queries.TASK_RELEASE, (number("task"), reason)
        case "cancel":
            return queries.TASK_CANCEL, (number("task"), reason)
        case "resolve":
            return queries.TASK_RESOLVE, (number("task"), text("outcome"), reason, None)
        case "open-breaker":
            return queries.BREAKER_OPEN, (text("endpoint"), reason)
        case "close-breaker":
            return queries.BREAKER_CLOSE, (text("endpoint"), reason)
        case "reprocess":
            return queries.REPROCESS, (text("inbox"), [number("message")], reason)
        case "correct":
            # a form's line ends are CR LF, whatever the text had
            body = text("body").replace("\r\n", "\n")
            values = (text("inbox"), number("message"), body, reason, number("seen"))
            return queries.CORRECT, values
        case "saga-resume":
            return queries.SAGA_RESUME, (number("saga"), reason)
        case "saga-compensate":
            return queries.SAGA_COMPENSATE, (number("saga"), reason)
        case "saga-resolve":
            return queries.SAGA_RESOLVE, (number("saga"), text("step"), text("outcome"), reason)
    return None


def _local(back: str) -> str:
    """Give a path of this page; anything else becomes the overview."""
    parts = urlsplit(back)
    safe = back.startswith("/") and not back.startswith(("//", "/\\")) and not parts.netloc
    return back.split("?done=")[0].split("&done=")[0] if safe else "/"

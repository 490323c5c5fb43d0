"""What each page shows. Handlers are plain functions: the framework runs them in threads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import psycopg
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pg_artery import queries
from pg_artery.commands.listing import Row
from pg_artery.monitor import layout, lines_zh
from pg_artery.monitor.codes_zh import CODES_ZH
from pg_artery.monitor.guard import Guard
from pg_artery.monitor.store import Store
from pg_artery.monitor.words import LANGUAGES, translate

LIST_LENGTH = 100
FILTERS = ("status", "topic", "endpoint", "document_id", "error", "before_id")
#: A filter of its own, among the statuses
ON_HOLD = "on hold"
#: What can be done to all that match, by status
MATCHING = {
    "pending": ("hold",),
    "failed": ("retry", "hold"),
    "dead": ("retry",),
    "held": ("retry",),
    ON_HOLD: ("release",),
}
#: What an index leads to
INDEXED = ("failed", "dead", "held", "compensating")
#: Else tasks are looked through, newest first, so many at a time
LOOKED_THROUGH = 50_000
COUNTED = 10_000


class Pages:
    """The pages; each reads what it shows anew."""

    def __init__(self, store: Store, guard: Guard) -> None:
        self._store = store
        self._guard = guard
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["cell"] = layout.when
        self._templates.globals["zone"] = layout.zone
        self._templates.filters["pretty"] = layout.pretty
        self._templates.filters["ago"] = layout.ago
        self._templates.filters["place"] = layout.place

    def show(self, request: Request, page: str, code: int = 200, **values: Any) -> Response:
        """Render a page in the viewer's language."""
        language = request.cookies.get("language") or _asked(request)
        language = language if language in LANGUAGES else "en"
        html = self._templates.get_template(f"{page}.html").render(
            page=page,
            path=request.url.path,
            here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            language=language,
            languages=LANGUAGES,
            t=lambda text: translate(language, text),
            meaning=lambda code: CODES_ZH.get(code, "") if language == "zh" else "",
            attention_line=lambda line: lines_zh.attention(language, line),
            set_up_line=lambda line: lines_zh.set_up(language, line),
            mark=self._guard.form_mark(request),
            done=request.query_params.get("done"),
            **values,
        )
        return HTMLResponse(html, code)

    def overview(self, request: Request) -> Response:
        """Show what needs attention first, then each channel."""
        trend = self._store.rows(queries.TREND)
        return self.show(
            request,
            "overview",
            attention=self._store.rows(queries.ATTENTION),
            channels=self._store.rows(queries.OVERVIEW),
            inboxes=self._store.rows(queries.INBOXES),
            trends=layout.trends(trend),
        )

    def tasks(self, request: Request) -> Response:
        """List tasks by what the query string asks for."""
        asked = {name: request.query_params.get(name, "").strip() for name in FILTERS}
        if not asked["before_id"].isdecimal():
            asked["before_id"] = ""
        wanted: dict[str, Any] = {name: value for name, value in asked.items() if value}
        if asked["status"] == ON_HOLD:
            del wanted["status"]
            wanted["on_hold"] = True
        window = self._window(wanted)
        found = (json.dumps(wanted | window), LIST_LENGTH)
        rows = self._store.rows(queries.FIND_TASKS, found)
        rights = self._store.rights()
        offered: tuple[str, ...] = ()
        matching = ""
        if rows and rights["operate"] and not asked["error"]:
            offered = MATCHING.get(asked["status"], ())
        if offered and window:
            matching = f"{len(rows)}+"  # counting those that wait could take long
        elif offered:
            whole = {name: value for name, value in wanted.items() if name != "before_id"}
            counted = self._store.row(queries.COUNT_TASKS, (json.dumps(whole), COUNTED + 1))
            matches = counted["tasks"] if counted else 0
            matching = str(matches) if matches <= COUNTED else f"{COUNTED}+"
        older = rows[-1]["id"] if len(rows) == LIST_LENGTH else window.get("from_id", 0)
        return self.show(
            request, "tasks", asked=asked, tasks=[_told(row) for row in rows], rights=rights,
            offered=offered, matching=matching, on_hold=ON_HOLD,
            older=older if older > 1 else None, further=len(rows) < LIST_LENGTH,
        )  # fmt: skip

    def _window(self, wanted: dict[str, Any]) -> dict[str, int]:
        """Bound the search where no index leads to what is wanted."""
        if {"document_id", "on_hold"} & wanted.keys() or wanted.get("status") in INDEXED:
            return {}
        newest = self._store.row(queries.FIND_TASKS, ("{}", 1))
        before = int(wanted.get("before_id") or (newest["id"] + 1 if newest else 1))
        return {"from_id": max(before - LOOKED_THROUGH, 1)}

    def task(self, request: Request) -> Response:
        """Show one task: its story, each call, its document, its saga."""
        number = request.path_params["task"]
        task = self._store.row(queries.TASK, (number,))
        if task is None:
            return self.missing(request)
        return self.show(
            request,
            "task",
            task=_told(task),
            timeline=self._store.rows(queries.TASK_TIMELINE, (number,)),
            calls=self._store.rows(queries.TASK_CALLS, (number,)),
            rights=self._store.rights(),
        )

    def inboxes(self, request: Request) -> Response:
        """Show the inboxes, counted."""
        return self.show(
            request,
            "inboxes",
            inboxes=self._store.rows(queries.INBOXES),
            reasons=self._store.rows(queries.REJECT_REASONS),
        )

    def messages(self, request: Request) -> Response:
        """List an inbox's messages."""
        inbox = request.path_params["inbox"]
        status = request.query_params.get("status") or None
        rows = self._store.rows(queries.FIND_MESSAGES, (inbox, status, LIST_LENGTH))
        return self.show(request, "messages", inbox=inbox, status=status, messages=rows)

    def message(self, request: Request) -> Response:
        """Show one message with its reasons, and offer to process it again."""
        inbox, number = request.path_params["inbox"], request.path_params["message"]
        message = self._store.row(queries.MESSAGE, (inbox, number))
        if message is None:
            return self.missing(request)
        body = layout.pretty(message["body"])
        return self.show(
            request,
            "message",
            inbox=inbox,
            message=message,
            body=body,
            editable=len(body) <= layout.SHOWN_CHARACTERS,
            rights=self._store.rights(),
        )

    def endpoints(self, request: Request) -> Response:
        """Show endpoints with breaker and limiter."""
        rows = self._store.rows(queries.ENDPOINTS)
        return self.show(request, "endpoints", endpoints=rows, rights=self._store.rights())

    def endpoint(self, request: Request) -> Response:
        """Show one endpoint: its last calls, its breaker's past."""
        name = request.path_params["endpoint"]
        found = [row for row in self._store.rows(queries.ENDPOINTS) if row["endpoint"] == name]
        if not found:
            return self.missing(request)
        return self.show(
            request,
            "endpoint",
            e=found[0],
            calls=self._store.rows(queries.LAST_CALLS, (name,)),
            events=self._store.rows(queries.BREAKER_EVENTS, (name,)),
            rights=self._store.rights(),
        )

    def sagas(self, request: Request) -> Response:
        """Show the sagas that wait for a person, and the newest."""
        return self.show(
            request,
            "sagas",
            waiting=self._store.rows(queries.SAGAS_WAITING),
            sagas=self._store.rows(queries.SAGAS_NEWEST, (LIST_LENGTH,)),
        )

    def saga(self, request: Request) -> Response:
        """Show one saga's history, and what can be decided."""
        number = request.path_params["saga"]
        history = self._store.rows(queries.SAGA_HISTORY, (number,))
        if not history:
            return self.missing(request)
        waiting = [r for r in self._store.rows(queries.SAGAS_WAITING) if r["saga_id"] == number]
        return self.show(
            request,
            "saga",
            saga=number,
            steps=self._store.rows(queries.SAGA_STEPS, (number,)),
            history=history,
            waiting=waiting,
            rights=self._store.rights(),
        )

    def system(self, request: Request) -> Response:
        """Show runners, sweeps, the set-up."""
        return self.show(
            request,
            "system",
            runners=[r for r in self._store.rows(queries.RUNNERS) if r["state"] != "stopped"],
            sweeps=self._store.rows(queries.SWEEPS),
            checks=self._store.rows(queries.DOCTOR),
        )

    def login(self, request: Request) -> Response:
        """Ask for the token."""
        return self.show(request, "login", wrong=False)

    def missing(self, request: Request) -> Response:
        """Say that there is no such thing."""
        return self.show(
            request, "error", 404, sqlstate="", message="There is no such thing.", hint=None
        )

    def failed(self, request: Request, error: Exception) -> Response:
        """Say what the database said."""
        diag = getattr(error, "diag", None)
        status = 403 if isinstance(error, psycopg.errors.InsufficientPrivilege) else 502
        if diag and (diag.sqlstate or "").startswith("IN"):
            status = 409
        return self.show(
            request,
            "error",
            status,
            sqlstate=(diag and diag.sqlstate) or "",
            message=(diag and diag.message_primary) or str(error),
            hint=(diag and diag.message_hint) or None,
        )


def _told(task: Row) -> Row:
    """Tell of a task that waits whether it is on hold."""
    waits = task["status"] in ("pending", "failed")
    return task | {"on_hold": waits and task["due_at"] is None}


def _asked(request: Request) -> str:
    """Give the first language that the browser asks for."""
    return request.headers.get("accept-language", "")[:2].lower()

"""What each page shows. Handlers are plain functions: the framework runs them in threads."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from pg_artery import queries
from pg_artery.commands.listing import Row, cell
from pg_artery.monitor.guard import Guard
from pg_artery.monitor.store import Store
from pg_artery.monitor.words import LANGUAGES, translate

LIST_LENGTH = 100
TREND_MINUTES = 60
FILTERS = ("status", "topic", "endpoint", "document_id", "error", "before_id")


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
        self._templates.filters["cell"] = cell
        self._templates.filters["pretty"] = _pretty
        self._templates.filters["ago"] = _ago

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
            trends=_trends(trend),
        )

    def tasks(self, request: Request) -> Response:
        """List tasks by what the query string asks for."""
        asked = {name: request.query_params.get(name, "").strip() for name in FILTERS}
        wanted = {name: value for name, value in asked.items() if value}
        rows = self._store.rows(queries.FIND_TASKS, (json.dumps(wanted), LIST_LENGTH))
        return self.show(
            request,
            "tasks",
            asked=asked,
            tasks=rows,
            more=len(rows) == LIST_LENGTH,
            rights=self._store.rights(),
        )

    def task(self, request: Request) -> Response:
        """Show one task: its story, each call, its document, its saga."""
        number = request.path_params["task"]
        task = self._store.row(queries.TASK, (number,))
        if task is None:
            return self.missing(request)
        return self.show(
            request,
            "task",
            task=task,
            timeline=self._store.rows(queries.TASK_TIMELINE, (number,)),
            calls=self._store.rows(queries.TASK_CALLS, (number,)),
            rights=self._store.rights(),
        )

    def inboxes(self, request: Request) -> Response:
        """Show the inboxes, counted."""
        return self.show(request, "inboxes", inboxes=self._store.rows(queries.INBOXES))

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
        return self.show(
            request, "message", inbox=inbox, message=message, rights=self._store.rights()
        )

    def endpoints(self, request: Request) -> Response:
        """Show endpoints with breaker and limiter."""
        rows = self._store.rows(queries.ENDPOINTS)
        return self.show(request, "endpoints", endpoints=rows, rights=self._store.rights())

    def sagas(self, request: Request) -> Response:
        """Show the sagas that wait for a person."""
        return self.show(request, "sagas", sagas=self._store.rows(queries.SAGAS_WAITING))

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
        return self.show(request, "error", 404, message="There is no such thing.", hint=None)

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
            message=(diag and diag.message_primary) or str(error),
            hint=(diag and diag.message_hint) or None,
        )


def _asked(request: Request) -> str:
    """Give the first language that the browser asks for."""
    return request.headers.get("accept-language", "")[:2].lower()


def _pretty(value: Any) -> str:
    """Lay out JSON; leave what is none as it is."""
    if value is None:
        return ""
    try:
        parsed = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    return json.dumps(parsed, indent=2, ensure_ascii=False, default=str)


def _ago(value: datetime | None) -> str:
    return cell(datetime.now(UTC) - value) if value else ""


def _trends(rows: list[Row]) -> dict[str, dict[str, Any]]:
    """Make two polylines of 60 points for each endpoint, in a box of 120 by 24: calls, failures."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    minutes = [now - timedelta(minutes=n) for n in range(TREND_MINUTES - 1, -1, -1)]
    trends: dict[str, dict[str, Any]] = {}
    for endpoint in {row["endpoint"] for row in rows}:
        mine = {row["minute"]: row for row in rows if row["endpoint"] == endpoint}
        top = max(row["calls"] for row in mine.values())
        lines = {
            name: " ".join(
                f"{n * 120 / (TREND_MINUTES - 1):.1f},{23 - 22 * _at(mine, at, name) / top:.1f}"
                for n, at in enumerate(minutes)
            )
            for name in ("calls", "failed")
        }
        trends[endpoint] = {**lines, "top": top}
    return trends


def _at(mine: dict[datetime, Row], minute: datetime, name: str) -> int:
    row = mine.get(minute)
    return int(row[name]) if row else 0

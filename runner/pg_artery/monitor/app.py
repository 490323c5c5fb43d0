"""The page as an ASGI application: routes, the doorkeeper around them, live news."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
from psycopg_pool import PoolTimeout
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from pg_artery.monitor.actions import Actions
from pg_artery.monitor.guard import Guard
from pg_artery.monitor.metrics import Metrics
from pg_artery.monitor.pages import Pages
from pg_artery.monitor.store import Store

PULSE_S = 1.0
KEEP_ALIVE_S = 15.0


class News:
    """Asks the database whether anything changed, for all viewers together, while there are any.

    Once a second, and less often while what they then read takes long: see `Store.rest_s`.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed = asyncio.Condition()
        self._watched = asyncio.Event()
        self._viewers = 0
        self.version = 0

    async def watch(self) -> None:
        """Watch until cancelled; a database that is away is asked again."""
        last = ""
        while await self._watched.wait():
            try:
                pulse = await run_in_threadpool(self._store.pulse)
            except (psycopg.Error, PoolTimeout):
                pulse = "away"
            if pulse != last:
                last = pulse
                self._store.forget()
                async with self._changed:
                    self.version += 1
                    self._changed.notify_all()
            # whoever is told reads at once: what that took is known a moment later
            await asyncio.sleep(PULSE_S)
            await asyncio.sleep(self._store.rest_s())

    async def stream(self, request: Request) -> AsyncIterator[str]:
        """Give a server-sent event for every change."""
        seen = self.version
        self._viewers += 1
        self._watched.set()
        try:
            yield "retry: 2000\n\n"
            while not await request.is_disconnected():
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S), self._changed:
                        await self._changed.wait_for(lambda seen=seen: self.version != seen)  # type: ignore[misc]
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                seen = self.version
                yield f"event: changed\ndata: {seen}\n\n"
        finally:
            self._viewers -= 1
            if not self._viewers:
                self._watched.clear()


def make_app(dsn: str, token: str | None, hosts: frozenset[str]) -> Starlette:
    """Make the application.

    Parameters: `token` viewers log in with, None for nobody has to; `hosts` it answers to.
    """
    store = Store(dsn)
    guard = Guard(token, hosts)
    news = News(store)
    pages = Pages(store, guard)
    actions = Actions(store, guard, pages)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        watcher = asyncio.create_task(news.watch())
        yield
        watcher.cancel()
        store.close()

    async def events(request: Request) -> Response:
        return StreamingResponse(news.stream(request), media_type="text/event-stream")

    async def keep_door(request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = guard.refuse(request) or await call_next(request)
        return guard.finish(request, response)

    app = Starlette(
        routes=[
            Route("/", pages.overview),
            Route("/tasks", pages.tasks),
            Route("/tasks/{task:int}", pages.task),
            Route("/inboxes", pages.inboxes),
            Route("/inboxes/{inbox}", pages.messages),
            Route("/inboxes/{inbox}/{message:int}", pages.message),
            Route("/endpoints", pages.endpoints),
            Route("/endpoints/{endpoint}", pages.endpoint),
            Route("/sagas", pages.sagas),
            Route("/sagas/{saga:int}", pages.saga),
            Route("/system", pages.system),
            Route("/login", pages.login),
            Route("/login", actions.login, methods=["POST"]),
            Route("/language", actions.language, methods=["POST"]),
            Route("/actions/{action}", actions.run, methods=["POST"]),
            Route("/events", events),
            Route("/metrics", Metrics(store).serve),
            Mount("/static", StaticFiles(directory=Path(__file__).parent / "static")),
        ],
        exception_handlers={psycopg.Error: pages.failed, PoolTimeout: pages.failed},
        lifespan=lifespan,
    )
    app.add_middleware(BaseHTTPMiddleware, dispatch=keep_door)
    return app

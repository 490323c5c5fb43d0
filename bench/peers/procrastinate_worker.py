"""procrastinate's worker: asyncio on uvloop, aiohttp with keep-alive."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import Any

import aiohttp
import procrastinate
import psycopg_pool
import uvloop


def pool(**kwargs: Any) -> psycopg_pool.AsyncConnectionPool:
    """Make the pool without the round trip that proves each connection alive before its use."""
    kwargs.pop("check", None)
    return psycopg_pool.AsyncConnectionPool(**kwargs)


async def main() -> None:
    """Obey the one JSON argument (`dsn`, `url`, `settings`) until standard input ends."""
    options = json.loads(sys.argv[1])
    settings = options["settings"]
    logging.disable(logging.CRITICAL)
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            pool_factory=pool,
            conninfo=options["dsn"],
            min_size=settings["pool_size"],
            max_size=settings["pool_size"],
        )
    )
    connector = aiohttp.TCPConnector(limit=settings["concurrency"])
    async with app.open_async(), aiohttp.ClientSession(connector=connector) as http:
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()

        @app.task(name="deliver")
        async def deliver(**payload: Any) -> None:
            headers = {"content-type": "application/json", "x-request-id": payload["id"]}
            body = json.dumps(payload).encode()
            async with http.post(options["url"], data=body, headers=headers) as answer:
                await answer.read()
                answer.raise_for_status()

        worker = asyncio.create_task(
            app.run_worker_async(
                concurrency=settings["concurrency"],
                fetch_job_polling_interval=0.5,
                listen_notify=True,
                install_signal_handlers=False,
            )
        )
        print(json.dumps({"event": "ready"}), flush=True)
        stdin_closed = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        await asyncio.wait({worker, stdin_closed}, return_when=asyncio.FIRST_COMPLETED)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


if __name__ == "__main__":
    uvloop.run(main())

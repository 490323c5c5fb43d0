"""`artery monitor`: the page."""

from __future__ import annotations

import ipaddress
import shutil
from pathlib import Path

import click

from pg_artery.commands import dsn_option
from pg_artery.configuration import from_environment
from pg_artery.errors import ArteryError
from pg_artery.resources import monitoring_dir


@from_environment
@click.command(
    "monitor",
    epilog="The database's user needs artery_reader to look, artery_operator to act as well. "
    "Anywhere but on loopback put it behind a proxy that speaks TLS. Every option is also a key of "
    "[monitor] in the configuration file, and a variable ARTERY_MONITOR_…: see artery init.",
)
@click.option("--listen", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8765, show_default=True, type=click.IntRange(0, 65535), help="0 = any free."
)
@click.option("--host", "names", multiple=True, help="Name that it is reached by; repeatable.")
@click.option(
    "--token-file",
    envvar="ARTERY_MONITOR_TOKEN_FILE",
    type=click.Path(path_type=Path),
    help="File with the token that viewers log in with; needed anywhere but on loopback.",
)
@click.option(
    "--export",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write alert rules, Grafana dashboard and sql_exporter's query file there, and end.",
)
@dsn_option
def command(
    listen: str,
    port: int,
    names: tuple[str, ...],
    token_file: Path | None,
    export: Path | None,
    dsn: str,
) -> None:
    r"""Serve the monitor page: what the integrations do, why one fails, and how to put it right.

    \b
      artery monitor                           http://127.0.0.1:8765/, for this machine
      artery monitor --listen 10.20.0.5 --host monitor.plant.example --token-file FILE
      artery monitor --export monitoring       alert rules, Grafana dashboard, queries: as files

    It reads views for readers, in read-only transactions of at most 5 seconds. What people do on
    it is done as its database user, with their name and reason kept in the history.
    """
    if export is not None:
        for file in sorted(monitoring_dir().iterdir()):
            export.mkdir(parents=True, exist_ok=True)
            click.echo(shutil.copy(file, export))
        return
    import uvicorn

    from pg_artery.monitor.app import make_app

    token = _token(token_file)
    if token is None and not ipaddress.ip_address(listen).is_loopback:
        raise ArteryError(
            "IN042",
            f"{listen} is not a loopback address, and there is no token",
            "Whoever reaches the page sees every document that passes through.",
            "--token-file FILE, with 16 or more random characters in it, or listen on 127.0.0.1.",
        )
    hosts = frozenset({"localhost", "127.0.0.1", "::1", listen, *names})
    app = make_app(dsn, token, hosts)
    config = uvicorn.Config(
        app, host=listen, port=port, log_level="warning", server_header=False, lifespan="on",
        timeout_graceful_shutdown=2, workers=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    sockets = [config.bind_socket()]
    sockets[0].listen(128)  # from here on callers wait rather than be refused
    bound = sockets[0].getsockname()[1]
    click.echo(f"http://{f'[{listen}]' if ':' in listen else listen}:{bound}/")
    server.run(sockets=sockets)


def _token(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        token = path.read_text().strip()
    except OSError as error:
        raise ArteryError(
            "IN042", f"{path} cannot be read: {error.strerror}", None, "It holds the page's token."
        ) from error
    if len(token) < 16:
        raise ArteryError(
            "IN042",
            f"{path} holds {len(token)} characters",
            "A short token can be guessed.",
            f"openssl rand -hex 32 > {path}",
        )
    return token

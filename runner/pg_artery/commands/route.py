"""`artery route`: list, show, add, set."""

from __future__ import annotations

import click

from pg_artery import queries
from pg_artery.commands import dsn_option, json_option, names_of
from pg_artery.commands.listing import filled, query, show, tell
from pg_artery.commands.settings import as_json_text, changed, settings_argument, show_settings
from pg_artery.errors import ArteryError

_NAME = "artery route"
_topic = click.argument("topic", shell_complete=names_of(queries.ROUTES, "topic"))


@click.group(
    epilog="The database's user needs artery_reader to look, artery_admin to change. NAME=VALUE "
    "settings are the columns of artery.route."
)
def command() -> None:
    r"""Say where the tasks of a topic go: the endpoint, the path there, who takes the answer.

    \b
      artery route list
      artery route show mes.mo.create --all       every setting, and what it means
      artery route add carrier.shipment carrier /shipments
      artery route set carrier.shipment priority=2 'reply_handler=erp.shipped(jsonb)'
    """


@command.command("list")
@dsn_option
@json_option
def list_(dsn: str, as_json: bool) -> None:
    """Show every topic, and where its tasks go."""
    rows = query(dsn, _NAME, queries.ROUTES)
    if as_json:
        tell({"routes": rows})
    elif not rows:
        click.echo("There is no route yet: artery route add TOPIC ENDPOINT PATH")
    else:
        show(rows, filled(rows), {"path_template": "path"})


@command.command("show")
@_topic
@click.option("--all", "everything", is_flag=True, help="Every setting, and what it means.")
@dsn_option
@json_option
def show_(topic: str, everything: bool, dsn: str, as_json: bool) -> None:
    """Show the settings of TOPIC's route."""
    rows = query(dsn, _NAME, queries.ROUTE_SETTINGS, (topic,))
    if not rows:
        raise ArteryError(
            "IN001",
            f"there is no route for topic {topic!r}",
            None,
            "artery route list shows those that there are; artery route add makes one.",
        )
    if as_json:
        tell({"route": topic, "settings": rows})
    else:
        show_settings(rows, everything)


@command.command("add")
@click.argument("topic")
@click.argument("endpoint", shell_complete=names_of(queries.ENDPOINTS, "endpoint"))
@click.argument("path")
@settings_argument()
@dsn_option
@json_option
def add(
    topic: str,
    endpoint: str,
    path: str,
    settings: tuple[tuple[str, object], ...],
    dsn: str,
    as_json: bool,
) -> None:
    r"""Send the tasks of TOPIC to ENDPOINT, at PATH under its base URL.

    \b
      artery route add carrier.shipment carrier /shipments
      artery route add carrier.cancel carrier '/shipments/{no}' method=DELETE priority=2

    {name} in PATH is filled from the parameters given at enqueue.
    """
    values = (topic, endpoint, path, as_json_text(settings))
    changed("route", topic, query(dsn, _NAME, queries.ROUTE_ADD, values), as_json)


@command.command("set")
@_topic
@settings_argument(required=True)
@dsn_option
@json_option
def set_(topic: str, settings: tuple[tuple[str, object], ...], dsn: str, as_json: bool) -> None:
    """Change settings of TOPIC's route: all of them, or none where one is wrong.

    NAME=null takes a setting away. Tasks that wait already keep their path and body.
    """
    rows = query(dsn, _NAME, queries.ROUTE_SET, (topic, as_json_text(settings)))
    changed("route", topic, rows, as_json)

"""`artery endpoint`: list, show, check, add, set, open, close."""

from __future__ import annotations

import json
import sys
from typing import Any, LiteralString

import click

from pg_artery import db, probe, queries
from pg_artery.commands import dsn_option, json_option, names_of, reason_option
from pg_artery.commands.endpoint_advice import advice
from pg_artery.commands.listing import filled, query, show, tell
from pg_artery.commands.settings import as_json_text, changed, settings_argument, show_settings
from pg_artery.errors import EXIT_FAILED, EXIT_REFUSED

APPLICATION = "artery endpoint"


_name = click.argument("name", shell_complete=names_of(queries.ENDPOINTS, "endpoint"))


@click.group(
    epilog="Exit codes of check: 0 every address is reached, 1 one is not, 2 no such endpoint, "
    "3 no connection to the database, 5 one is refused by our own rules. The database's user needs "
    "artery_reader to look, artery_operator to open and close, artery_admin to add and set. "
    "NAME=VALUE settings are the columns of artery.endpoint."
)
def command() -> None:
    r"""Set up endpoints, the systems on the other side; look at the way to them.

    \b
      artery endpoint list                 where they are, what they may reach
      artery endpoint add mes https://mes.example/api/v1 rate_per_second=20 burst=5
      artery endpoint set mes auth_kind=bearer secret_ref=vault:MES_TOKEN
      artery endpoint show mes --all       every setting, and what it means
      artery endpoint check mes            is the way there open, from this machine?
      artery endpoint open mes --reason 'their maintenance'    stops calls; tasks wait
      artery endpoint close mes --reason 'they are back'
    """


@command.command("list")
@dsn_option
@json_option
def list_endpoints(dsn: str, as_json: bool) -> None:
    """Show the endpoints, their breakers and what they may reach."""
    rows = query(dsn, APPLICATION, db.ENDPOINT_LIST)
    if as_json:
        click.echo(json.dumps({"endpoints": rows}))
        return
    if not rows:
        click.echo("There is no endpoint yet: artery endpoint add NAME URL")
        return
    for row in rows:
        row["egress_rules"] = ", ".join(row["egress_rules"]) or "public addresses"
        row["topics"] = ", ".join(row["topics"])
    show(rows, list(rows[0]), {"egress_rules": "may reach"})


@command.command("show")
@_name
@click.option("--all", "everything", is_flag=True, help="Every setting, and what it means.")
@dsn_option
@json_option
def show_(name: str, everything: bool, dsn: str, as_json: bool) -> None:
    """Show the settings of endpoint NAME, its breaker, and its last hour."""
    settings = query(dsn, APPLICATION, queries.ENDPOINT_SETTINGS, (name,))
    status = query(dsn, APPLICATION, queries.ENDPOINT_STATUS, (name,))
    if as_json:
        tell({"endpoint": name, "status": status[0], "settings": settings})
        return
    show(status, filled(status, leave_out=("endpoint", "base_url")))
    click.echo()
    show_settings(settings, everything)


@command.command("add")
@click.argument("name")
@click.argument("url")
@settings_argument()
@dsn_option
@json_option
def add(
    name: str, url: str, settings: tuple[tuple[str, object], ...], dsn: str, as_json: bool
) -> None:
    r"""Make an endpoint NAME at URL, which must carry a version: https://mes.example/api/v1.

    \b
      artery endpoint add mes https://mes.example/api/v1
      artery endpoint add erp2 http://10.1.2.3:8080/v2 rate_per_second=20 'total_timeout=10 s'

    A private address also needs a rule (artery endpoint check writes it for you). Then say what
    goes there: artery route add. All settings: artery endpoint show NAME --all.
    """
    rows = query(dsn, APPLICATION, queries.ENDPOINT_ADD, (name, url, as_json_text(settings)))
    changed("endpoint", name, rows, as_json)


@command.command("set")
@_name
@settings_argument(required=True)
@dsn_option
@json_option
def set_(name: str, settings: tuple[tuple[str, object], ...], dsn: str, as_json: bool) -> None:
    r"""Change settings of endpoint NAME: all of them, or none where one is wrong.

    \b
      artery endpoint set mes rate_per_second=50 burst=10 'first_byte_timeout=5 s'
      artery endpoint set mes max_in_flight=null enabled=true
      artery endpoint set mes 'status_outcomes={"409": "sent"}'

    NAME=null takes a setting away. Runners take it up with their next claim. What else changes by
    it is shown too: secrets do not follow an endpoint to another address.
    """
    rows = query(dsn, APPLICATION, queries.ENDPOINT_SET, (name, as_json_text(settings)))
    changed("endpoint", name, rows, as_json)


@command.command("open")
@_name
@reason_option
@dsn_option
@json_option
def open_(name: str, reason: str, dsn: str, as_json: bool) -> None:
    """Open the breaker of NAME by hand: nothing is sent, tasks wait, until it is closed again."""
    _move(queries.BREAKER_OPEN, "open", name, reason, dsn, as_json)


@command.command("close")
@_name
@reason_option
@dsn_option
@json_option
def close(name: str, reason: str, dsn: str, as_json: bool) -> None:
    """Close the breaker of NAME: calls go again."""
    _move(queries.BREAKER_CLOSE, "closed", name, reason, dsn, as_json)


def _move(
    statement: LiteralString, state: str, name: str, reason: str, dsn: str, as_json: bool
) -> None:
    query(dsn, APPLICATION, db.ENDPOINT_ID, (name,))
    (moved,) = query(dsn, APPLICATION, statement, (name, reason))
    if as_json:
        tell({"endpoint": name, "breaker": state, "moved": moved["moved"]})
    else:
        click.echo(f"{name} is {state}." if moved["moved"] else f"{name} was {state} already.")


@command.command("check")
@_name
@dsn_option
@json_option
def check(name: str, dsn: str, as_json: bool) -> None:
    """Say whether endpoint NAME can be reached from this machine, and what to do if not.

    Its name is resolved, each address is put to the endpoint's egress rules and, where they allow
    it, dialled and asked for the headers of the base URL (HEAD), without any credentials. Run it
    where the runner runs: another machine has other ways.
    """
    (found,) = query(dsn, APPLICATION, db.ENDPOINT_ID, (name,))
    (row,) = query(dsn, APPLICATION, db.ENDPOINTS, ([found["endpoint_id"]],))
    target = probe.Target(row)
    addresses, dns_ms, problem = probe.resolve(target)
    findings = probe.probe_all(target, addresses)
    told: dict[str, Any] = {
        "endpoint": name,
        "url": target.url,
        "enabled": row["enabled"],
        "proxy": target.proxy_url,
        "host": target.host,
        "port": target.port,
        "rules": [str(rule) for rule in target.rules],
        "dns_ms": dns_ms,
        "dns_error": problem,
        "addresses": findings,
        "next": advice(name, target, findings, problem, row),
    }
    refused = any(found.get("kind") == "egress" for found in findings)
    reached = bool(findings) and all("kind" not in found for found in findings)
    told["outcome"] = "refused" if refused else "reached" if reached else "not reached"
    if as_json:
        click.echo(json.dumps(told))
    else:
        _tell(told)
    sys.exit(EXIT_REFUSED if refused else 0 if reached else EXIT_FAILED)


def _tell(told: dict[str, Any]) -> None:
    """Print a check for people."""
    through = f" through the proxy {told['proxy']}" if told["proxy"] else ""
    click.echo(f"{told['endpoint']}: {told['url']}{through}")
    click.echo(f"rules: {', '.join(told['rules']) or 'none; public addresses only'}")
    ended = told["dns_error"] or f"{len(told['addresses'])} addresses"
    click.echo(f"{told['host']} port {told['port']}: {ended}, {told['dns_ms']:.0f} ms\n")
    rows = [_row(found) for found in told["addresses"]]
    if rows:
        show(rows, filled(rows), {"connect": "connect ms", "tls_time": "TLS ms", "tls": "TLS"})
        click.echo()
    shown: list[Any] = []
    for found in told["addresses"]:
        certificate = found.get("certificate")
        if certificate and certificate not in shown:
            shown.append(certificate)
            click.echo(f"certificate of {found['address']}: {certificate['subject']}")
            click.echo(f"  for      {', '.join(certificate['san']) or 'no name at all'}")
            click.echo(f"  issuer   {certificate['issuer']}")
            click.echo(f"  expires  {certificate['expires']} ({certificate['days_left']} days)\n")
    click.echo(f"{told['outcome'].capitalize()}.")
    for step in told["next"]:
        click.echo(f"- {step}")


def _row(found: dict[str, Any]) -> dict[str, Any]:
    def rounded(name: str) -> str | None:
        return f"{found[name]:.1f}" if name in found else None

    return {
        "address": found["address"],
        "allowed": "yes" if found["allowed"] else "no",
        "rule": found["rule"],
        "dialled": "yes" if found["dialled"] else "no",
        "connect": rounded("connect_ms"),
        "tls_time": rounded("tls_ms"),
        "tls": found.get("tls"),
        "answer": found.get("status") or found.get("kind"),
        "error": found.get("error") if found.get("kind") != "egress" else None,
    }

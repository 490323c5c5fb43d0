"""`artery endpoint`: list, check."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from pg_artery import db, probe
from pg_artery.commands import dsn_option, json_option
from pg_artery.commands.endpoint_advice import advice
from pg_artery.commands.listing import filled, query, show
from pg_artery.errors import EXIT_FAILED, EXIT_REFUSED

APPLICATION = "artery endpoint"


@click.group(
    epilog="Exit codes of check: 0 every address is reached, 1 one is not, 2 no such endpoint, "
    "3 no connection to the database, 5 one is refused by our own rules. The database's user needs "
    "the role artery_reader."
)
def command() -> None:
    r"""Look at endpoints, and at the way to them.

    \b
      artery endpoint list           where they are, what they may reach
      artery endpoint check mes      is the way there open, from this machine?
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
        click.echo("There is no endpoint: insert into artery.endpoint (name, base_url) …")
        return
    for row in rows:
        row["egress_rules"] = ", ".join(row["egress_rules"]) or "public addresses"
        row["topics"] = ", ".join(row["topics"])
    show(rows, list(rows[0]), {"egress_rules": "may reach"})


@command.command("check")
@click.argument("name")
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

"""What to do next about an endpoint that is not reached, or not well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from pg_artery import egress
from pg_artery.probe import Finding, Target

RULE = (
    "insert into artery.egress_rule (endpoint, network, first_port, note) "
    "values ('{}', '{}', {}, 'why, for whom');"
)
SOON = 30  # days; a certificate that expires within them is spoken of


def advice(
    name: str,
    target: Target,
    findings: Sequence[Finding],
    dns_error: str | None,
    row: Mapping[str, Any],
) -> list[str]:
    """Give the next steps, each once, in the order of the findings."""
    steps = []
    if dns_error:
        steps.append(
            f"{target.host} does not resolve here ({dns_error}). Is base_url right? Ask whoever "
            "runs this machine's DNS."
        )
    for found in findings:
        step = _step(name, target, found, row)
        if step:
            steps.append(step)
        certificate = found.get("certificate")
        if certificate and 0 <= certificate["days_left"] < SOON:
            steps.append(
                f"The certificate expires in {certificate['days_left']} days: tell its owner."
            )
    if not row["enabled"]:
        steps.append(f"Endpoint {name} is disabled: no task is sent until it is enabled.")
    return list(dict.fromkeys(steps))


def _step(name: str, target: Target, found: Finding, row: Mapping[str, Any]) -> str | None:
    address, port, kind = found["address"], target.port, found.get("kind")
    place = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    error = found.get("error", "")
    if kind == "egress":
        return _opening(name, address, port)
    if kind in ("connect", "dns", "proxy") and "refused" in error.lower():
        return f"{place} refuses connections: nothing listens there, or a firewall rejects us."
    if kind in ("connect", "dns"):
        source = f" from {found['from']}" if found.get("from") else ""
        return (
            f"{place} does not take connections ({error}). A firewall on the way, ours or theirs: "
            f"have TCP{source} to {place} opened."
        )
    if kind == "proxy":
        login = (
            " The check shows it no login; that may be all."
            if row["access"].get("proxy_ref")
            else ""
        )
        return f"The proxy {target.proxy_url} does not let us through: {error}.{login}"
    if kind == "tls":
        return _tls_step(target, error, row)
    if kind == "timeout":
        return f"{place} takes connections and does not answer: ask its owner whether it is up."
    if kind is not None:
        mutual = row["access"].get("client_cert_ref") is not None
        return f"{place} is reached and breaks off: {error}. " + (
            "Its client certificate is not shown by the check; that may be all."
            if mutual
            else "Is it http where base_url says https, or the reverse?"
        )
    if 300 <= found.get("status", 0) < 400:
        return (
            f"It redirects to {found.get('location', 'elsewhere')}. Redirects are never followed: "
            "base_url has to be the address that answers."
        )
    return None


def _opening(name: str, address: str, port: int) -> str:
    """Give the rule that would open an address, or why there should be none."""
    bare = address.partition("%")[0]
    kind = egress.kind_of(ip_address(bare), egress.EXACT_ONLY)
    rule = RULE.format(name, bare, port)
    if kind is not None:
        return (
            f"{address} is a special address ({kind}): no system of a partner's is there. Is the "
            f"name right? If you are sure: {rule}"
        )
    return f"{address} port {port} is not open to this endpoint. If it should be: {rule}"


def _tls_step(target: Target, error: str, row: Mapping[str, Any]) -> str:
    text = error.lower()
    if "expired" in text:
        return f"The certificate has expired: its owner has to renew it ({error})."
    if "not match" in text or "no alternative" in text or "mismatch" in text:
        return (
            f"The certificate is for other names than {target.host}: write one of them in base_url."
        )
    if "self-signed" in text or "self signed" in text or "issuer" in text:
        given = "another than" if target.ca else "if it is private, put it into"
        return f"The certificate's issuer is not trusted ({error}): {given} endpoint.ca_bundle."
    if row["access"].get("client_cert_ref"):
        return f"TLS failed ({error}). The check shows no client certificate; that may be all."
    return f"TLS failed ({error}). Does that port speak TLS? Is a proxy or firewall looking in?"

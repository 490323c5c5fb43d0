"""What ran on which server, and what did not and why: the last words of a run."""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest

NOWHERE = "no server"
OUTCOMES = {"passed": "passed", "failed": "failed", "error": "errors", "skipped": "skipped"}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Have each report say its server; it goes to the workers' controller, too."""
    if hasattr(item, "callspec") and "server" in item.callspec.params:
        item.user_properties.append(("server", item.callspec.params["server"].label))


def _said(report: pytest.TestReport, name: str) -> list[str]:
    return [str(value) for key, value in report.user_properties if key == name]


def _reason(report: pytest.TestReport) -> str:
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return str(told).removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Count outcomes by server, and skips by reason and server."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    alone: Counter[str] = Counter()
    looks: list[str] = []
    for outcome in OUTCOMES:
        for report in terminalreporter.getreports(outcome):
            server = next(iter(_said(report, "server")), NOWHERE)
            counts[server][outcome] += 1
            alone.update(_said(report, "alone"))
            looks += _said(report, "look")
            if outcome == "skipped":
                reasons[_reason(report)][server] += 1
    if not counts:
        return
    terminalreporter.section("what ran where")
    for server, found in sorted(counts.items(), key=lambda entry: (entry[0] == NOWHERE, entry[0])):
        told = ", ".join(f"{found[name]} {word}" for name, word in OUTCOMES.items() if found[name])
        if alone[server]:
            told += f"; {alone[server]} more not repeated here (on the first server alone)"
        terminalreporter.line(f"{server:12} {told}")
    for look in sorted(looks):
        terminalreporter.line(look)
    if reasons:
        terminalreporter.section("not tested, and why")
        for reason, where in sorted(reasons.items()):
            servers = ", ".join(f"{server} {count}" for server, count in sorted(where.items()))
            terminalreporter.line(f"{where.total():5}  {reason}  ({servers})")

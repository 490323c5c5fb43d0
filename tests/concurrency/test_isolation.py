"""Every interleaving of two transactions on the outbox, by PostgreSQL's own isolationtester.

A spec prints, by its teardown, what a permutation left behind. What it must be follows here from
the order of the steps, by reasoning and not from a recording.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from pg_artery.servers import Server

SPECS = Path(__file__).parent / "specs"
PGTAP_SETUP = Path(__file__).parents[1] / "pgtap/artery/_setup.psql"


@dataclass
class Permutation:
    """One order of steps: what each said, which had to wait, and what was left in the end."""

    steps: list[str]
    text: str
    final: dict[str, str]

    def before(self, one: str, other: str) -> bool:
        return self.steps.index(one) < self.steps.index(other)

    def waits(self, step: str) -> bool:
        return bool(re.search(rf"^step {step}: .*<waiting \.\.\.>$", self.text, re.M))

    def fails(self, step: str, words: str) -> bool:
        said = re.search(rf"^step {step}: [^\n]*\nERROR: +([^\n]*)", self.text, re.M)
        return said is not None and words in said[1]

    @property
    def overlap(self) -> bool:
        """True if the first transaction had not committed when the second did its work."""
        return not self.steps[1].endswith("_commit")


def parse(output: str) -> Iterator[Permutation]:
    for block in output.split("starting permutation: ")[1:]:
        head, _, text = block.partition("\n")
        lines = [line for line in text.rstrip().splitlines() if line.strip()]
        at = max(i for i, line in enumerate(lines) if re.fullmatch(r"-+(\+-+)*", line))
        names = [name.strip() for name in lines[at - 1].split("|")]
        values = [value.strip() for value in lines[at + 1].split("|")]
        yield Permutation(head.split(), text, dict(zip(names, values, strict=True)))


Rule = Callable[[Permutation], dict[str, str]]


def sweep_against_late_report(p: Permutation) -> dict[str, str]:
    assert not p.waits("sweep"), "a sweep passes over what a report has locked"
    if p.before("late", "sweep"):
        return {
            "status": "sent",
            "attempt": "1",
            "failures": "0",
            "logged": "1",
            "stale": "0",
            "heard": "1",
        }
    assert p.waits("late") == p.overlap
    return {
        "status": "sent",
        "attempt": "2",
        "failures": "1",
        "logged": "1",
        "stale": "1",
        "heard": "1",
    }


def two_sweeps(p: Permutation) -> dict[str, str]:
    assert "waiting" not in p.text
    return {"status": "failed", "attempt": "1", "failures": "1", "entries": "1"}


def renewal_against_sweep(p: Permutation) -> dict[str, str]:
    assert not p.waits("sweep")
    if p.before("renewal", "sweep"):
        return {"status": "processing", "attempt": "1", "failures": "0", "leased": "t"}
    return {"status": "failed", "attempt": "1", "failures": "1", "leased": "f"}


def release_against_sweep(p: Permutation) -> dict[str, str]:
    assert not p.waits("sweep")
    if p.before("release", "sweep"):
        return {"status": "pending", "attempt": "1", "failures": "0"}
    return {"status": "failed", "attempt": "1", "failures": "1"}


def two_claimers(p: Permutation) -> dict[str, str]:
    assert "waiting" not in p.text, "a claim waits for nobody"
    narrow = p.final["narrow"]
    # at once, only one of the two may count the narrow endpoint's room; it takes its share of it
    assert narrow in (("2", "3") if p.overlap else ("3",))
    return {"wide": "6", "narrow": narrow, "attempts": "1", "runners": "2"}


def cancel_against_claim(p: Permutation) -> dict[str, str]:
    assert not p.waits("claim")
    if p.before("cancel", "claim"):
        return {"status": "cancelled", "attempt": "0"}
    assert p.waits("cancel") == p.overlap
    assert p.fails("cancel", "is processing and cannot be cancelled")
    return {"status": "processing", "attempt": "1"}


def retry_against_claim(p: Permutation) -> dict[str, str]:
    assert not p.waits("claim")
    if p.before("claim", "retry"):
        assert p.fails("retry", "is processing")
        return {"status": "processing", "attempt": "2", "failures": "1"}
    if p.before("retry_commit", "claim"):
        return {"status": "processing", "attempt": "2", "failures": "0"}
    return {"status": "pending", "attempt": "1", "failures": "0"}


def report_twice(p: Permutation) -> dict[str, str]:
    return {"status": "sent", "attempt": "1", "failures": "0", "logged": "1", "heard": "1"}


def same_request_id(p: Permutation) -> dict[str, str]:
    assert "ERROR" not in p.text
    return {"tasks": "1", "body": "1", "ids": "1"}


def same_request_id_other_body(p: Permutation) -> dict[str, str]:
    first, second = ("one", "two") if p.before("one", "two") else ("two", "one")
    assert p.waits(second) == p.overlap
    assert p.fails(second, "was used before with another request")
    return {"tasks": "1", "body": "1" if first == "one" else "2", "ids": "1"}


def key_end_against_enqueue(p: Permutation) -> dict[str, str]:
    assert "waiting" not in p.text, "a producer waits for no runner, nor a runner for producers"
    return {"tasks": "2", "sent": "t", "once": "t", "ordered": "t"}


def two_enqueue_one_key(p: Permutation) -> dict[str, str]:
    assert "waiting" not in p.text
    return {"status": "processing pending"}


def retention_against_undo(p: Permutation) -> dict[str, str]:
    if p.before("undo", "retention"):
        return {"status": "compensating"}
    return {"status": "deleted"}


RULES: dict[str, Rule] = {
    rule.__name__: rule
    for rule in (
        sweep_against_late_report,
        two_sweeps,
        renewal_against_sweep,
        release_against_sweep,
        two_claimers,
        cancel_against_claim,
        retry_against_claim,
        report_twice,
        same_request_id,
        same_request_id_other_body,
        key_end_against_enqueue,
        two_enqueue_one_key,
        retention_against_undo,
    )
}


def isolationtester(server: Server) -> Path:
    program = server.bindir.parent / "lib/pgxs/src/test/isolation/isolationtester"
    if not program.exists():
        program = server.pkglibdir / "pgxs/src/test/isolation/isolationtester"
    if not program.exists():
        pytest.skip(f"isolationtester does not come with {server.label}")
    return program


def run_spec(program: Path, dsn: str, spec: str) -> list[Permutation]:
    """Run every permutation of a spec and give what each came to."""
    done = subprocess.run(
        [str(program), dsn],
        input=(SPECS / f"{spec}.spec").read_text(),
        capture_output=True,
        text=True,
        timeout=60,
        env={
            # 3 s; newer ones have another name for it, and double it
            "PGISOLATIONTIMEOUT": "3",
            "PG_TEST_TIMEOUT_DEFAULT": "2",
            # npm's builds have their libpq beside them, and no run path to it
            "LD_LIBRARY_PATH": str(program.parents[5]),
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return list(parse(done.stdout))


def prepare(dsn: str) -> None:
    """Load what the specs share."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(PGTAP_SETUP.read_text())
        connection.execute((SPECS / "_setup.sql").read_text())


def wrong(rule: Rule, permutations: list[Permutation]) -> list[str]:
    """Say of which permutations the rule does not hold."""
    found = []
    for permutation in permutations:
        try:
            expected = rule(permutation)
        except AssertionError as error:
            found.append(f"{' '.join(permutation.steps)}: {error}\n{permutation.text}")
            continue
        if permutation.final != expected:
            found.append(f"{' '.join(permutation.steps)}: {permutation.final}, not {expected}")
    return found


def test_each_spec_has_a_rule() -> None:
    assert {path.stem for path in SPECS.glob("*.spec")} == set(RULES)


@pytest.mark.parametrize("spec", RULES)
def test_every_permutation_ends_right(spec: str, server: Server, dsn: str) -> None:
    program = isolationtester(server)
    prepare(dsn)
    permutations = run_spec(program, dsn, spec)
    # two transactions, each with its work and its commit; what the first to work makes the
    # second wait for must come before the second's commit
    assert 4 <= len(permutations) <= 6
    found = wrong(RULES[spec], permutations)
    assert not found, "\n".join(found)

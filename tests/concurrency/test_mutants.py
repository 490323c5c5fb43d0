# ruff: noqa: E501 -- the pieces of source stand as they are in their files
"""Each guard of claim, report, sweep, renewal and release has a reason: without it, a test fails.

A mutant is one edit of a function's source, loaded into a clone of the migrated database; the
checks named with it must not pass there. Some guards are doubled on purpose (a row lock within,
the fence without): such a pair is taken out together.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from test_isolation import RULES, isolationtester, prepare, run_spec, wrong

from pg_artery.cluster import Cluster
from pg_artery.servers import Server
from pgtap_source import statements

ROOT = Path(__file__).parents[2]
FUNCTIONS = ROOT / "sql/functions/artery"
PGTAP = ROOT / "tests/pgtap/artery"

pytestmark = pytest.mark.one_server


@dataclass(frozen=True)
class Mutant:
    """One fault in one function, and what must find it.

    :param name: what the function no longer does
    :param file: its file, without .sql
    :param edits: pairs of what stands there (once) and what shall
    :param killers: pgTAP files (`claim`) and specs (`two_claimers.spec`), any of which must fail
    """

    name: str
    file: str
    edits: tuple[tuple[str, str], ...]
    killers: tuple[str, ...]

    @property
    def fence(self) -> bool:
        """True where two at once would do harm: these are killed in the short form too."""
        return (
            self.killers[0].endswith(".spec")
            or self.name.startswith(("applies ", "renew", "release"))
            or self.name == "takes back running leases"
        )


def mutant(name: str, file: str, killer: str, *edits: str) -> Mutant:
    """Edits in pairs: old, new."""
    return Mutant(name, file, tuple(zip(edits[::2], edits[1::2], strict=True)), (killer,))


SWEEP_FENCE = (
    "                and t.attempt = x.attempt\n"
    "                and t.locked_until < clock_timestamp()\n"
)

MUTANTS = [
    # claim
    mutant(
        "claims for a runner that has stopped", "claim_tasks", "claim",
        "where r.id = p_runner and r.stopped_at is null", "where r.id = p_runner",
    ),
    mutant(
        "claims for a runner that never was", "claim_tasks", "claim",
        "where r.id = p_runner and r.stopped_at is null", "where true",
    ),
    mutant(
        "takes a lease without length", "claim_tasks", "claim",
        "p_lease is null or p_lease <= interval '0'", "p_lease is null",
    ),
    mutant(
        "claims for a disabled endpoint", "_due_lanes", "claim",
        "on e.id = l.endpoint_id and e.enabled", "on e.id = l.endpoint_id",
    ),
    mutant(
        "heeds no Retry-After", "_due_lanes", "claim",
        "coalesce(r.blocked_until <= p_now, true)", "true",
    ),
    mutant(
        "trusts a cursor from the future", "claim_tasks", "claim",
        "not between v_now and v_now + interval '1 minute'", "< v_now",
    ),
    mutant(
        "never looks behind the frontier", "claim_tasks", "claim",
        "case when not v_unbounded then v_cursor -> 'frontier' end", "v_cursor -> 'frontier'",
    ),
    mutant(
        "has no slack for late commits", "_due_lanes", "claim",
        "interval '100 milliseconds'", "interval '0'",
    ),
    mutant(
        "has no frontier", "claim_tasks", "claim",
        "case when not v_unbounded then v_cursor -> 'frontier' end", "null",
    ),
    mutant(
        "counts what is in flight beside others", "_permit", "two_claimers.spec",
        "if not pg_try_advisory_xact_lock(", "if not (pg_backend_pid(), 0) <> (",
        "        for no key update skip locked;\n        if not found then", "        ;\n        if false then",
        "        insert into artery.rate_limiter (endpoint_id)\n        values (p_endpoint_id)\n"
        "        on conflict do nothing;\n", "",
    ),
    mutant(
        "waits for who makes the limiter's row", "_permit", "two_claimers.spec",
        "if not pg_try_advisory_xact_lock(", "if not (pg_backend_pid(), 0) <> (",
    ),
    mutant(
        "does not count what is in flight", "_permit", "claim",
        "where t.endpoint_id = p_endpoint_id and t.status = 'processing'", "where false",
    ),
    mutant(
        "shares unfairly", "claim_tasks", "claim",
        "ceil(p_limit::numeric / nullif(count(distinct w.endpoint_id), 0))", "p_limit",
    ),
    mutant(
        "leaves what others leave", "claim_tasks", "claim",
        "where p.pass = 1 or v_share < p_limit", "where p.pass = 1",
    ),
    mutant(
        "exceeds its limit", "claim_tasks", "claim",
        "least(v_endpoint.share, p_limit - v_claimed)", "v_endpoint.share",
        "exit when v_claimed >= p_limit;", "",
    ),
    mutant(
        "takes priorities as they come", "_pick_tasks", "claim",
        "            order by w.priority\n", "            order by w.priority desc\n",
    ),
    mutant(
        "claims what is under way or ended", "_pick_tasks", "claim",
        "                and t.status in ('pending', 'failed')\n", "",
    ),
    mutant(
        "claims what waits behind another", "_pick_tasks", "ordering",
        "                and not t.queued\n", "",
        "and (t.ordering_key is null or not exists (", "and (true or not exists (",
    ),
    mutant(
        "claims what is not due", "_pick_tasks", "claim",
        "                and t.due_at between l.since and p_now\n", "",
    ),
    mutant(
        "does not see an earlier task of the key", "_pick_tasks", "ordering",
        "and (t.ordering_key is null or not exists (", "and (true or not exists (",
    ),
    mutant(
        "holds back by a later task of the key", "_pick_tasks", "ordering",
        "and b.id < t.id", "and b.id <> t.id",
    ),
    mutant(
        "claims by due time backwards", "_pick_tasks", "claim",
        "order by t.due_at, t.id", "order by t.due_at desc, t.id",
    ),
    mutant(
        "waits for another claim", "_pick_tasks", "two_claimers.spec",
        "for update of t skip locked", "for update of t",
    ),
    mutant(
        "claims without a lock", "_pick_tasks", "two_claimers.spec",
        "            for update of t skip locked\n", "",
    ),
    # report
    mutant(
        "applies another attempt's report", "_apply_results", "report",
        "            and t.attempt = j.attempt\n", "",
    ),
    mutant(
        "applies another runner's report", "_apply_results", "report",
        "            and t.runner_id = p_runner\n", "",
    ),
    mutant(
        "applies a report without a lease", "_apply_results", "report_twice.spec",
        "            and t.locked_until is not null\n", "",
    ),
    mutant(
        "forgets to count", "_apply_results", "report",
        "failures = t.failures + j.counts", "failures = t.failures",
    ),
    mutant(
        "never gives up", "_apply_results", "backoff",
        "c.counts > 0 and t.failures + 1 >= t.max_attempts", "false",
    ),
    mutant(
        "gives up for faults of our own", "_apply_results", "backoff",
        "o.status = 'failed' and c.counts > 0 and t.failures + 1", "o.status = 'failed' and t.failures + 1",
    ),
    mutant(
        "takes the cap for a wait", "_apply_results", "backoff",
        "select case when a.asked is not null then least(a.asked, e.retry_after_cap) end as wait",
        "select least(a.asked, e.retry_after_cap) as wait",
    ),
    mutant(
        "waits as long as it is told", "_apply_results", "backoff",
        "then least(a.asked, e.retry_after_cap) end", "then a.asked end",
    ),
    mutant(
        "blocks an endpoint for any answer", "_apply_results", "backoff",
        "case when i.status_code in (429, 503) then w.wait end", "w.wait",
    ),
    mutant(
        "shortens a wait", "_judge_endpoints", "backoff",
        "greatest(l.blocked_until, excluded.blocked_until)", "excluded.blocked_until",
    ),
    mutant(
        "lets no next of the key go", "report_results", "ordering",
        "if v_ordered is not null then", "if false then",
    ),
    mutant(
        "logs no stale call", "report_results", "report",
        "if jsonb_array_length(p_results) > coalesce(cardinality(v_done), 0) then", "if false then",
    ),
    mutant(
        "logs a stale call each time", "_log_stale_results", "report",
        "where l.task_id = r.id and l.attempt = r.attempt and l.span_id = r.span_id", "where false",
    ),
    mutant(
        "has no budget for handlers", "report_results", "handlers",
        "case when clock_timestamp() < v_now + c_handler_budget then v_reply ->> 'handler' end",
        "v_reply ->> 'handler'",
    ),
    # what became of it?
    mutant(
        "sends again after a gateway's fault", "_classify", "inquiry",
        "when not p_idempotent and p_status_code >= 500", "when false and p_status_code >= 500",
    ),
    mutant(
        "takes a 202 for an end", "_apply_results", "inquiry",
        "i.status_code = 202 and o.status = 'sent'", "false",
    ),
    mutant(
        "holds what it could ask after", "_apply_results", "inquiry",
        "(o.status = 'held' or", "(",
    ),
    mutant(
        "counts questions as attempts", "_apply_results", "inquiry",
        "case when t.inquiry is null then c.counts else 0 end", "c.counts",
    ),
    mutant(
        "disables an endpoint for an answer to a question", "_apply_results", "inquiry",
        " and x.asked is null", "",
    ),
    mutant(
        "sends the request in place of the question", "claim_tasks", "inquiry",
        "coalesce(t.inquiry ->> 'method', t.method)", "t.method",
    ),
    mutant(
        "sends the body along with the question", "claim_tasks", "inquiry",
        "case when t.inquiry is null then t.body end", "t.body",
    ),
    mutant(
        "asks under the Request-ID of the call", "claim_tasks", "inquiry",
        "case when t.inquiry is null then t.request_id else gen_random_uuid() end", "t.request_id",
    ),
    mutant(
        "believes too early that it was never seen", "_inquire", "inquiry",
        " or p_now < (v_inquiry ->> 'absent_from')::timestamptz", "",
    ),
    mutant(
        "believes of an accepted call that it was never seen", "_inquire", "inquiry",
        "(v_why = 'accepted' or p_now", "(p_now",
    ),
    mutant(
        "asks for ever", "_inquire", "inquiry",
        "p_now >= (v_inquiry ->> 'until')::timestamptz", "false",
    ),
    mutant(
        "gives up without having asked", "_inquire", "inquiry",
        "p_error_class is distinct from 'own_fault'", "true",
    ),
    mutant(
        "sends for ever what is never seen", "_inquire", "inquiry",
        "case when p_attempts_left then 'failed' else 'dead' end", "'failed'",
    ),
    mutant(
        "follows a Location elsewhere", "_begin_inquiry", "inquiry",
        "when starts_with(v_path, v_route.base_url || '/')", "when true",
    ),
    mutant(
        "follows a Location upwards", "_begin_inquiry", "inquiry",
        r"|\.\.|%2[eE]|", "|",
    ),
    mutant(
        "sends again what a dead runner may have sent", "expire_leases", "inquiry",
        "when q.inquiry is not null then 'failed'", "",
        "inquiry = x.inquiry", "inquiry = null",
        "when not e.idempotent and t.method <> 'GET' then 'held'", "when false then 'held'",
    ),
    mutant(
        "counts a lost question as an attempt", "expire_leases", "inquiry",
        "t.failures + x.was_sent::integer", "t.failures + 1",
    ),
    mutant(
        "keeps a doubt that the receiver took away", "_set_saga_step", "inquiry",
        "where a.value ->> 'error_class' = 'absent'", "where false",
    ),
    mutant(
        "resolves what is not held", "resolve_task", "inquiry",
        "v_task.status <> 'held'", "v_task.status = 'cancelled'",
    ),
    mutant(
        "waits as long as a quota says", "_apply_results", "inquiry",
        "least(artery._quota_wait(i.response_headers, p_now), e.retry_after_cap)",
        "artery._quota_wait(i.response_headers, p_now)",
    ),
    # sweep
    mutant(
        "waits for a report under way", "expire_leases", "sweep_against_late_report.spec",
        "for update of t skip locked", "for update of t",
    ),
    mutant(
        "brings finished tasks back", "expire_leases", "sweep_against_late_report.spec",
        "            for update of t skip locked\n", "",
        SWEEP_FENCE, "",
    ),
    mutant(
        "takes back running leases", "expire_leases", "leases",
        "where t.status = 'processing' and t.locked_until < clock_timestamp()",
        "where t.status = 'processing'",
        "                and t.locked_until < clock_timestamp()\n", "",
    ),
    mutant(
        "takes back a lease renewed meanwhile", "expire_leases", "renewal_against_sweep.spec",
        "            for update of t skip locked\n", "",
        "                and t.locked_until < clock_timestamp()\n", "",
    ),
    mutant(
        "resends what must not be", "expire_leases", "leases",
        "when not e.idempotent and t.method <> 'GET' then 'held'", "when false then 'held'",
    ),
    mutant(
        "never gives up a lost task", "expire_leases", "leases",
        "when t.failures + 1 >= t.max_attempts then 'dead'", "when false then 'dead'",
    ),
    mutant(
        "keeps a death from its handler", "expire_leases", "leases",
        "where d.handler_status = 'failed'", "where false",
    ),
    mutant(
        "walks all tasks that ever were", "expire_leases", "retention",
        "order by t.endpoint_id, t.id", "order by t.id",
    ),
    # renewal and release
    *(
        mutant(f"{file.removesuffix('_leases')}s {what}", file, "leases", guard, "")
        for file in ("renew_leases", "release_leases")
        for what, guard in (
            ("for another attempt", "and t.attempt = u.attempt"),
            ("for another runner", "and t.runner_id = p_runner"),
            ("without a lease", "and t.locked_until is not null"),
        )
    ),
    # the end of a key
    mutant(
        "lets go who has one before it", "_unblock_next", "ordering",
        "where d.id = any(p_ended) and n.queued", "where d.id = any(p_ended)",
        "            order by q.id\n", "            order by q.id desc\n",
    ),
    # what ends, for good
    mutant(
        "deletes what is being undone", "delete_ended_tasks", "retention_against_undo.spec",
        "                and t.status in ('sent', 'cancelled', 'compensated')\n", "",
    ),
]  # fmt: skip


def survives(mutant: Mutant, cluster: Cluster, dsn: str, name: str) -> list[str]:
    """Load the mutant, run its killers, and give those that noticed nothing."""
    source = (FUNCTIONS / f"{mutant.file}.sql").read_text()
    for old, new in mutant.edits:
        assert source.count(old) == 1, f"the source has moved on: {old!r} in {mutant.file}.sql"
        source = source.replace(old, new)
    with psycopg.connect(dsn) as connection:
        connection.execute("set role artery_owner")
        connection.execute(source)  # type: ignore[arg-type]
    return [killer for killer in mutant.killers if passes(killer, cluster, dsn, name)]


def passes(killer: str, cluster: Cluster, dsn: str, name: str) -> bool:
    if killer.endswith(".spec"):
        spec = killer.removesuffix(".spec")
        prepare(dsn)
        return not wrong(RULES[spec], run_spec(isolationtester(cluster.server), dsn, spec))
    psql = str(cluster.server.program("psql"))
    server = f"-h {cluster.path} -p {cluster.port} -U postgres -d {name}"
    file = str(PGTAP / f"{killer}.sql")
    done = subprocess.run(
        ["pg_prove", "--psql-bin", psql, *server.split(), file],
        capture_output=True,
        text=True,
        timeout=120,
    )
    print(done.stdout[-2000:], done.stderr[-2000:])  # pytest shows it where the test fails
    return done.returncode == 0


@pytest.fixture(scope="module")
def with_pgtap(cluster: Cluster, template: str, server: Server) -> str:
    load = statements(server)
    name = "mutants_template"
    with psycopg.connect(cluster.create_database(name, template)) as connection:
        connection.execute(load)
    return name


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: f"{m.file}: {m.name}")
def test_a_function_that(
    mutant: Mutant, cluster: Cluster, with_pgtap: str, request: pytest.FixtureRequest
) -> None:
    if not mutant.fence and not request.config.getoption("--long"):
        pytest.skip("mutants beyond the fences are killed in the long form: --long")
    with cluster.database("mutant", with_pgtap) as dsn:
        assert survives(mutant, cluster, dsn, "mutant") == [], "is noticed by nothing"


def test_unchanged_all_killers_pass(cluster: Cluster, with_pgtap: str) -> None:
    """A killer that always fails kills every mutant, and shows nothing."""
    killers = {killer for mutant in MUTANTS for killer in mutant.killers}
    for killer in sorted(killers):
        with cluster.database("unchanged", with_pgtap) as dsn:
            assert passes(killer, cluster, dsn, "unchanged"), killer

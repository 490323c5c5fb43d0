"""The judge: what the receiver, the business table, the log and the tasks say must agree.

It shares no code with the engine. `judge` gives every contradiction as a sentence, with the whole
story of the task that it is about; no sentence = all holds.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from chaos_receiver import AFTER_EFFECT, Receipt
from chaos_stage import STRICT, Fault, Stage
from psycopg.rows import dict_row

SLACK = 0.05  # seconds between two processes' looks at one clock


@dataclass
class Verdict:
    wrong: list[str] = field(default_factory=list)
    recovery: list[float] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)

    def count(self, figure: str, more: int) -> None:
        self.figures[figure] = self.figures.get(figure, 0) + more

    def percentiles(self) -> str:
        values = sorted(self.recovery)
        if not values:
            return "none"
        p50, p99 = (values[min(int(len(values) * q), len(values) - 1)] for q in (0.5, 0.99))
        return f"p50 {p50:.2f} s, p99 {p99:.2f} s, max {values[-1]:.2f} s of {len(values)}"


@dataclass
class Case:
    """One task with all that is known of it."""

    task: dict[str, Any]
    calls: list[dict[str, Any]]
    receipts: list[Receipt]
    pids: dict[int, int]
    faults: list[Fault]

    @property
    def ended_attempts(self) -> list[dict[str, Any]]:
        return [entry for entry in self.task["history"] or [] if "attempt" in entry]

    def story(self) -> str:
        lines = [f"  task {self.task}"]
        lines += [f"  ended {entry}" for entry in self.ended_attempts]
        lines += [f"  call {call}" for call in self.calls]
        lines += [f"  {receipt}" for receipt in self.receipts]
        pids = {self.pids.get(entry["runner_id"]) for entry in self.ended_attempts} | {None}
        lines += [f"  {fault}" for fault in self.faults if fault.pid in pids]
        return "\n".join(lines)

    def fault_of(self, entry: dict[str, Any]) -> Fault | None:
        """The fault that cost an attempt its lease: on its runner, or on the server.

        The last one: a runner that outlives a fault, a lost reply say, still reports.
        """
        pid = self.pids.get(entry["runner_id"])
        ended = entry["began"] + entry["duration_ms"] / 1000
        met = [
            fault
            for fault in self.faults
            if fault.pid in (pid, None)
            and entry["began"] - SLACK <= fault.until
            and fault.at <= ended
        ]
        return max(met, key=lambda fault: fault.until, default=None)


def judge(stage: Stage, bound: float | None = 2.0) -> Verdict:
    """Look at everything once the stage is quiet.

    :param bound: seconds past the lease within which a killed runner's task must be sent
    """
    verdict = Verdict(wrong=list(stage.complaints))
    with psycopg.connect(stage.dsn, autocommit=True, row_factory=dict_row) as conn:
        for row in conn.execute("select * from artery_monitor.verify('4 s')"):
            verdict.wrong.append(f"artery_monitor.verify() says {row}")
        cases = _cases(conn, stage)
        business = {
            str(row["request_id"]): row for row in conn.execute("select * from public.business")
        }
    _judge_sets(stage, cases, business, verdict)
    for case in cases.values():
        for sentence in _judge_case(case, stage, verdict, bound):
            verdict.wrong.append(f"task {case.task['id']}: {sentence}\n{case.story()}")
    _judge_order(business, cases, verdict)
    verdict.figures |= {
        "tasks": len(cases),
        "rolled back": len(stage.rolled_back),
        "requests": len(stage.receipts),
        "faults": len(stage.faults),
    }
    return verdict


def _cases(conn: psycopg.Connection[dict[str, Any]], stage: Stage) -> dict[str, Case]:
    pids = {row["id"]: row["pid"] for row in conn.execute("select id, pid from artery.runner")}
    receipts, calls = defaultdict(list), defaultdict(list)
    for receipt in stage.receipts:
        receipts[receipt.request_id].append(receipt)
    for call in conn.execute(
        "select task_id, attempt, span_id, runner_id, outcome, status_code, error_class, stale, "
        "extract(epoch from called_at)::float8 as at from artery.cloud_log order by called_at"
    ):
        calls[call["task_id"]].append(call)
    cases = {}
    for task in conn.execute(
        "select id, request_id::text, status, attempt, runner_id, topic, ordering_key, history, "
        "extract(epoch from started_at)::float8 as began from artery.integration_task order by id"
    ):
        case = Case(task, calls.pop(task["id"], []), receipts.pop(task["request_id"], []), pids, [])
        case.faults = stage.faults
        for entry in case.ended_attempts:
            entry["began"] = datetime.fromisoformat(entry["at"]).timestamp()
        cases[task["request_id"]] = case
    for request_id, strays in receipts.items():
        told = "rolled back" if request_id in stage.rolled_back else "never committed"
        stage.complaints.append(f"{request_id} was sent, but {told}: {strays}")
    return cases


def _judge_sets(
    stage: Stage, cases: dict[str, Case], business: dict[str, Any], verdict: Verdict
) -> None:
    """Committed = sent; neither more nor less."""
    for request_id in stage.acknowledged - business.keys():
        verdict.wrong.append(f"{request_id}: its commit was acknowledged, its row is gone")
    for request_id in business.keys() ^ cases.keys():
        verdict.wrong.append(f"{request_id}: a row without its task, or a task without its row")
    for request_id in stage.rolled_back & cases.keys():
        verdict.wrong.append(f"{request_id}: rolled back, and has a task")
    known = set(verdict.wrong)
    verdict.wrong += [sentence for sentence in stage.complaints if sentence not in known]


def _judge_case(case: Case, stage: Stage, verdict: Verdict, bound: float | None) -> list[str]:
    wrong = []
    task = case.task
    lost = {
        entry["attempt"]: entry
        for entry in case.ended_attempts
        if entry["error_class"] == "lease_expired"
    }
    faulted = {number: case.fault_of(entry) for number, entry in lost.items()}
    for number, fault in faulted.items():
        if fault is None:
            wrong.append(f"attempt {number} lost its lease though nothing was done to its runner")
    wrong += _judge_end(case, lost)
    wrong += _judge_attempts(case, lost)
    if {receipt.sha256 for receipt in case.receipts} - {stage.bodies[task["request_id"]]}:
        wrong.append("was sent with other bytes than enqueued")

    unknown = _unknown_sends(case)
    for receipt in unknown:
        if not any(
            fault is not None and lost[number]["began"] - SLACK <= receipt.at <= fault.until + SLACK
            for number, fault in faulted.items()
        ):
            wrong.append(f"a send that no fault explains: {receipt}")
    verdict.count("leases lost", len(lost))
    verdict.count("sends with unknown outcome", len(unknown))
    verdict.count("stale calls", sum(call["stale"] for call in case.calls))
    verdict.count("held", task["status"] == "held")

    for seconds in _recoveries(case, faulted, lost):
        verdict.recovery.append(seconds)
        if bound is not None and seconds > stage.lease + bound:
            wrong.append(f"was sent {seconds:.2f} s after its runner was killed")
    return wrong


def _judge_end(case: Case, lost: dict[int, dict[str, Any]]) -> list[str]:
    """One effect and sent; held only where nobody can know, and then sent no more."""
    wrong = []
    task, receipts = case.task, case.receipts
    effects = sum(receipt.effect for receipt in receipts)
    if task["topic"] == STRICT:
        if receipts and any(receipt.answer in AFTER_EFFECT for receipt in receipts[:-1]):
            wrong.append("was sent again to a receiver that does not honour the Request-ID")
        if task["status"] == "held" and effects <= 1:
            last = case.ended_attempts[-1]
            if last["attempt"] not in lost and last["error_class"] != "unknown_outcome":
                wrong.append(f"was held though its outcome was known: {last}")
            return wrong
    if task["status"] != "sent" or effects != 1:
        wrong.append(f"is {task['status']} with {effects} effects")
    sent = {
        call["span_id"] for call in case.calls if call["outcome"] == "sent" and not call["stale"]
    }
    done = [receipt for receipt in receipts if receipt.span in sent]
    if not done:
        wrong.append("is sent by a call that the receiver never saw")
    elif any(receipt.at > done[-1].at for receipt in receipts):
        wrong.append("was sent again after its 2xx had been written back")
    return wrong


def _judge_attempts(case: Case, lost: dict[int, dict[str, Any]]) -> list[str]:
    """Each attempt ended once, by its owner; the calls of a lost one changed nothing."""
    wrong = []
    task = case.task
    owner = [(entry["attempt"], entry["runner_id"]) for entry in case.ended_attempts]
    if task["status"] == "sent":
        owner.append((task["attempt"], task["runner_id"]))
    if [attempt for attempt, _ in owner] != list(range(1, task["attempt"] + 1)):
        wrong.append(f"its attempts ended as {owner}")
    for call in case.calls:
        if (call["attempt"], call["runner_id"]) not in owner:
            wrong.append(f"a runner wrote about an attempt that was not its own: {call}")
        if call["stale"] != (call["attempt"] in lost):
            wrong.append(f"a lost attempt changed something, or another's call did not: {call}")
    written = [call["attempt"] for call in case.calls if not call["stale"]]
    if written != [attempt for attempt, _ in owner if attempt not in lost]:
        wrong.append(f"calls written back for attempts {written}")
    sent = [
        call["attempt"] for call in case.calls if call["outcome"] == "sent" and not call["stale"]
    ]
    if sent != [task["attempt"]] * (task["status"] == "sent"):
        wrong.append(f"made sent by the calls of attempts {sent}")
    return wrong


def _unknown_sends(case: Case) -> list[Receipt]:
    """The sends whose outcome no runner could tell the database.

    libcurl itself repeats a request whose kept connection was cut before any answer, where the
    receiver honours the Request-ID: a send more in the same span, explained by the cut.
    """
    known = {call["span_id"] for call in case.calls}
    unknown = []
    for number, receipt in enumerate(case.receipts):
        earlier = [r for r in case.receipts[:number] if r.span == receipt.span]
        by_libcurl = earlier and "cut" in earlier[-1].answer and case.task["topic"] != STRICT
        if not by_libcurl and (earlier or receipt.span not in known):
            unknown.append(receipt)
    return unknown


def _recoveries(
    case: Case, faulted: dict[int, Fault | None], lost: dict[int, dict[str, Any]]
) -> list[float]:
    """Seconds from each kill until the task was sent again or held.

    Counted where the next attempt's runner lived to make it.
    """
    found = []
    starts = {entry["attempt"]: entry["began"] for entry in case.ended_attempts}
    starts[case.task["attempt"]] = case.task["began"]
    for number, fault in faulted.items():
        if fault is None or fault.pid is None or number + 1 in lost:
            continue
        if number + 1 not in starts:  # held
            found.append(
                lost[number]["began"] + lost[number]["duration_ms"] / 1000 - fault.gone_from
            )
            continue
        sends = [r.at for r in case.receipts if r.at >= starts[number + 1] - SLACK]
        if sends:
            found.append(min(sends) - fault.gone_from)
    return found


def _judge_order(business: dict[str, Any], cases: dict[str, Case], verdict: Verdict) -> None:
    """Tasks of one endpoint and ordering key have their effects in the order of their enqueue."""
    last: dict[tuple[str, str], tuple[float, int]] = {}
    for row in sorted(business.values(), key=lambda row: row["task_id"]):
        case = cases.get(str(row["request_id"]))
        if row["ordering_key"] is None or case is None:
            continue
        at = min((r.at for r in case.receipts if r.effect), default=0.0)
        before, earlier = last.get((row["topic"], row["ordering_key"]), (0.0, 0))
        if at < before:
            verdict.wrong.append(
                f"{row['ordering_key']}: task {row['task_id']} overtook {earlier}\n{case.story()}"
            )
        last[row["topic"], row["ordering_key"]] = at, row["task_id"]

"""One bad message costs its neighbours nothing, and no message is ever lost."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg
import pytest

Connect = Callable[..., psycopg.Connection]
Send = Callable[..., None]

PROCESS = "select artery_staging.process('w.message')"
FINE = '{"n": 1}'
# as sent, and the SQLSTATE it is rejected with
POISON = {
    "nul": ('{"n": "\\u0000"}', "22P05"),
    "nan": ('{"n": "NaN"}', "23514"),
    "infinity": ('{"n": "Infinity"}', "22003"),
    "number bomb": ('{"n": 1e131071}', "22003"),
    "no number": ('{"n": "x"}', "22P02"),
    "no json": ("<bom/>", "22P02"),
    "deep": ("deep", "54001"),
    "huge": ("huge", "54000"),
    "assertion": ("assert", "P0004"),
    "deferred constraint": ("defer", "23503"),
    "undecided": ("forget", "IN016"),
    "no reason": ("no reason", "IN016"),
}


def statuses(conn: psycopg.Connection) -> dict[str, int]:
    return dict(
        conn.execute("select status, count(*) from w.message group by status").fetchall()  # type: ignore[arg-type]
    )


def codes(conn: psycopg.Connection) -> list[str]:
    rows = conn.execute("select reasons #>> '{0,code}' from w.message where status = 'rejected'")
    return sorted(code for (code,) in rows)


@pytest.mark.parametrize("kind", POISON)
def test_one_poison_row_in_a_thousand(inbox: psycopg.Connection, send: Send, kind: str) -> None:
    body, code = POISON[kind]
    send(*[FINE] * 617, body, *[FINE] * 382)
    assert inbox.execute(PROCESS).fetchone() == (1000,)
    assert statuses(inbox) == {"processed": 999, "rejected": 1}
    row = inbox.execute(
        "select body, reasons, processed_at is not null from w.message where status = 'rejected'"
    ).fetchone()
    assert row
    assert row[0] == body
    found = row[1][0]["code"]
    # what jsonb says of a NUL has another code in later versions
    assert found == code or (kind == "nul" and found.startswith("22")), row[1]
    assert row[1][0]["message"]
    assert row[2]
    effects = inbox.execute("select count(*) from w.effect").fetchone()
    assert effects == (999,)


@pytest.mark.one_server
def test_all_kinds_of_poison_at_once(inbox: psycopg.Connection, send: Send) -> None:
    send(*[x for body, _ in POISON.values() for x in (body, *[FINE] * 9)])
    inbox.execute(PROCESS)
    assert statuses(inbox) == {"processed": 9 * len(POISON), "rejected": len(POISON)}
    assert codes(inbox) == sorted(code for _, code in POISON.values())


def test_a_slow_row_is_bounded_by_the_statement_timeout(
    inbox: psycopg.Connection, send: Send
) -> None:
    send(*[FINE] * 499, "slow", *[FINE] * 500)
    inbox.execute("set statement_timeout = '1s'")
    rounds = 0
    while statuses(inbox).get("new") and rounds < 12:
        inbox.execute(PROCESS)
        inbox.execute("update w.message set due_at = clock_timestamp() where status = 'new'")
        rounds += 1
    assert statuses(inbox) == {"processed": 999, "rejected": 1}
    assert codes(inbox) == ["57014"]
    # the whole batch, a part of it, then alone five times
    assert rounds <= 8


def test_an_interruption_is_no_fault_of_the_row(inbox: psycopg.Connection, send: Send) -> None:
    send(FINE, "deadlock", FINE)
    inbox.execute(PROCESS)
    assert statuses(inbox) == {"processed": 2, "new": 1}
    row = inbox.execute(
        "select attempts, due_at > clock_timestamp(), reasons #>> '{0,code}' from w.message"
        " where status = 'new'"
    ).fetchone()
    assert row == (1, True, "40P01")
    assert inbox.execute(PROCESS).fetchone() == (0,)


def test_a_parked_row_comes_again(inbox: psycopg.Connection, send: Send) -> None:
    send("park")
    for attempts in (1, 2):
        inbox.execute("update w.message set due_at = clock_timestamp()")
        inbox.execute(PROCESS)
        row = inbox.execute(
            "select status, attempts, processed_at, due_at > clock_timestamp() from w.message"
        ).fetchone()
        assert row == ("parked", attempts, None, True)


def test_the_same_message_again_and_another_of_its_id(
    inbox: psycopg.Connection, send: Send
) -> None:
    send(FINE)
    send(FINE)
    send('{"n": 2}')
    send(FINE, source="other")
    inbox.execute(PROCESS)
    rows = inbox.execute(
        "select source, body, status, reasons #>> '{0,code}' from w.message order by id"
    ).fetchall()
    assert rows == [
        ("plm", FINE, "processed", None),
        ("plm", '{"n": 2}', "rejected", "IN015"),
        ("other", FINE, "processed", None),
    ]


def test_two_of_one_id_decided_at_the_same_moment(
    inbox: psycopg.Connection, send: Send, connect: Connect
) -> None:
    """The first is not yet visible to who decides the second."""
    receive = "select artery_staging.receive('w.message', 'plm', 'm1', %s::text)"
    with connect(autocommit=False) as first, connect() as second:
        first.execute(receive, (FINE,))
        answers: list[dict[str, object]] = []
        other = threading.Thread(
            target=lambda: answers.append(second.execute(receive, ('{"n": 2}',)).fetchone()[0])  # type: ignore[index]
        )
        other.start()
        other.join(0.5)
        assert other.is_alive()
        first.commit()
        other.join(20)
    assert [(a["status"], a["reasons"][0]["code"]) for a in answers] == [("rejected", "IN015")]  # type: ignore[index]
    assert inbox.execute("select count(*) from w.effect").fetchone() == (1,)


@pytest.mark.one_server
def test_sweeps_at_once_do_each_row_once(
    inbox: psycopg.Connection, send: Send, connect: Connect
) -> None:
    send(*[FINE] * 2000)
    inbox.execute("update artery_staging.inbox set batch_size = 20")

    def sweep() -> None:
        with connect() as own:
            while own.execute("select artery_staging.process('w.message', 50)").fetchone() != (0,):
                pass

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses(inbox) == {"processed": 2000}
    # a row done twice would have failed on the effect's key and be rejected
    assert inbox.execute("select count(*) from w.effect").fetchone() == (2000,)
    calls = inbox.execute("select count(*) - count(distinct i) from w.call, unnest(ids) as i")
    assert calls.fetchone() == (0,)


@pytest.mark.one_server
def test_a_killed_sweep_loses_nothing(
    inbox: psycopg.Connection, send: Send, connect: Connect
) -> None:
    send(FINE, "slow", FINE)
    with connect() as own:
        pid = own.info.backend_pid
        killer = threading.Timer(
            0.5, lambda: inbox.execute("select pg_terminate_backend(%s)", (pid,))
        )
        killer.start()
        with pytest.raises(psycopg.OperationalError):
            own.execute(PROCESS)
        killer.join()
    assert statuses(inbox) == {"new": 3}
    assert inbox.execute("select max(attempts) from w.message").fetchone() == (0,)


def test_tick_processes_every_inbox(inbox: psycopg.Connection, send: Send) -> None:
    send(FINE, "forget")
    step = "select function, argument from artery.sweep_step where name = 'inbox_message'"
    assert inbox.execute(step).fetchone() == ("artery_staging.process_due", "w.message")
    inbox.execute("call artery.tick()")
    assert statuses(inbox) == {"processed": 1, "rejected": 1}
    send(FINE, first=3)
    status = (
        "select waiting, parked, rejected, outcome from artery_monitor.inbox_status"
        " where table_name = 'w.message'"
    )
    inbox.execute("set role artery_reader")
    assert inbox.execute(status).fetchall() == [(1, 0, 1, "done")]
    inbox.execute("reset role")
    inbox.execute("update artery_staging.inbox set enabled = false")
    inbox.execute("update artery.sweep_step set next_run_at = '-infinity'")
    inbox.execute("call artery.tick()")
    assert statuses(inbox)["new"] == 1


def test_a_third_sweep_of_an_inbox_leaves_it_to_the_two_that_are_at_it(
    inbox: psycopg.Connection, send: Send, connect: Connect
) -> None:
    due = "select artery_staging.process_due('infinity', 'w.message')"
    inbox.execute("update artery.sweep_step set next_run_at = now()")
    with connect() as first, connect() as second:
        for number, conn in enumerate((first, second), 1):
            send(FINE, first=number)
            conn.autocommit = False
            assert conn.execute(due).fetchone() == (1,)
        send(FINE, first=3)
        assert inbox.execute(due).fetchone() == (0,)
        first.rollback()
        assert inbox.execute(due).fetchone() == (2,)
        second.commit()
    assert statuses(inbox) == {"processed": 3}


def test_tick_takes_a_batch_a_transaction_until_none_is_left(
    inbox: psycopg.Connection, send: Send
) -> None:
    inbox.execute("update artery_staging.inbox set batch_size = 2")
    send(*[FINE] * 5)
    inbox.execute("call artery.tick()")
    assert statuses(inbox) == {"processed": 5}
    transactions = "select count(distinct xmin::text) from w.message"
    assert inbox.execute(transactions).fetchone() == (3,)


def test_receive_answers_at_once_and_again_the_same(inbox: psycopg.Connection) -> None:
    receive = "select artery_staging.receive('w.message', %s, %s, %s::text)"

    def answer(source: str | None, key: str | None, body: str | None) -> dict[str, object]:
        row = inbox.execute(receive, (source, key, body)).fetchone()
        assert row
        return row[0]

    first = answer("plm", "a", FINE)
    assert first == {"id": first["id"], "status": "processed", "result": {"done": True}}
    assert answer("plm", "a", FINE) == first
    bad = answer("plm", "b", "no json")
    assert bad["status"] == "rejected"
    assert bad["reasons"][0]["code"] == "22P02"  # type: ignore[index]
    assert answer("plm", "b", "no json") == bad
    assert answer("plm", "a", "[]")["reasons"][0]["code"] == "IN015"  # type: ignore[index]
    assert answer("plm", "c", "deadlock")["status"] == "new"
    # without an id the body is its own
    assert answer(None, None, FINE) == answer(None, None, FINE)
    found = "select source, message_id from w.message order by id desc limit 1"
    row = inbox.execute(found).fetchone()
    assert row
    assert row[0] == "postgres"
    assert row[1].startswith("sha256:")
    with pytest.raises(psycopg.errors.NullValueNotAllowed):
        answer("plm", "d", None)
    with pytest.raises(psycopg.Error) as caught:
        inbox.execute("select artery_staging.receive('w.nowhere', 's', 'm', 'x'::text)")
    assert caught.value.sqlstate == "IN017"
    assert "w.message" in (caught.value.diag.message_detail or "")


def test_reprocess_is_audited_and_takes_rejected_rows_only(
    inbox: psycopg.Connection, send: Send
) -> None:
    send(FINE, "defer")
    inbox.execute(PROCESS)
    inbox.execute("insert into w.parent values (1)")
    with pytest.raises(psycopg.Error) as caught:
        inbox.execute("select artery_staging.reprocess('w.message', '{1,2,9}', 'mended')")
    assert (caught.value.sqlstate, caught.value.diag.message_detail) == (
        "IN018",
        "Not rejected, or not there: 1, 9.",
    )
    inbox.execute("select artery_staging.reprocess('w.message', '{2}', 'parent added')")
    inbox.execute(PROCESS)
    row = inbox.execute("select status, reasons, history from w.message where id = 2").fetchone()
    assert row
    assert row[:2] == ("processed", None)
    entry = row[2][0]
    assert (entry["by"], entry["why"], entry["reasons"][0]["code"]) == (
        "postgres",
        "parent added",
        "23503",
    )


CORRECT = "select artery_staging.correct('w.message', %s, %s, %s, %s)"


def test_a_rejected_message_is_corrected_and_stays_itself(
    inbox: psycopg.Connection, send: Send
) -> None:
    send("no json", FINE)
    inbox.execute(PROCESS)
    inbox.execute(CORRECT, (1, '{"n": 7}', "Li Wei: typed by hand", 0))
    inbox.execute(PROCESS)
    row = inbox.execute(
        "select source, message_id, status, body, history from w.message where id = 1"
    ).fetchone()
    assert row
    assert row[:4] == ("plm", "m1", "processed", '{"n": 7}')
    [entry] = row[4]
    assert (entry["by"], entry["why"]) == ("postgres", "Li Wei: typed by hand")
    assert (entry["body"], entry["reasons"][0]["code"]) == ("no json", "22P02")

    # its sender knows nothing of that, and sends it again
    receive = "select artery_staging.receive('w.message', 'plm', 'm1', %s::text)"
    again = inbox.execute(receive, ("no json",)).fetchone()
    assert again
    assert (again[0]["id"], again[0]["status"]) == (1, "processed")
    send("no json")
    inbox.execute(PROCESS)
    row = inbox.execute("select id, status, reasons from w.message order by id desc").fetchone()
    assert row
    assert (row[1], row[2][0]["code"]) == ("rejected", "IN015")
    assert "corrected here: see message 1" in row[2][0]["message"]
    assert inbox.execute("select count(*) from w.effect").fetchone() == (2,)


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ((2, "{}", "why", None), "IN018"),  # processed
        ((9, "{}", "why", None), "IN018"),  # not there
        ((1, "{}", "", None), "IN014"),
        ((1, None, "why", None), "IN014"),
        ((1, "{}", "why", 1), "IN044"),
        ((1, "also no json", "why", 0), "IN043"),  # what the next message of its id says
    ],
)
def test_a_correction_that_cannot_be_is_refused(
    inbox: psycopg.Connection, send: Send, values: tuple[object, ...], state: str
) -> None:
    send("no json", FINE)
    send("also no json")
    inbox.execute(PROCESS)
    before = inbox.execute("select * from w.message order by id").fetchall()
    with pytest.raises(psycopg.Error) as caught:
        inbox.execute(CORRECT, values)
    assert caught.value.sqlstate == state
    assert caught.value.diag.message_hint
    assert inbox.execute("select * from w.message order by id").fetchall() == before


def test_a_correction_of_a_json_inbox_is_json(conn: psycopg.Connection) -> None:
    conn.execute("insert into artery_staging.plm_ecn (message_id, body) values ('E-1', '{}')")
    conn.execute("select artery_staging.process('artery_staging.plm_ecn')")
    correct = "select artery_staging.correct('artery_staging.plm_ecn', 1, %s, 'why')"
    for body in ("{", '{"x": "\\u0000"}'):
        with pytest.raises(psycopg.Error) as caught:
            conn.execute(correct, (body,))
        assert caught.value.sqlstate == "IN043"
    conn.execute(correct, ('{"ecn_no": "E-1"}',))
    row = conn.execute("select status, body, history from artery_staging.plm_ecn").fetchone()
    assert row
    assert row[:2] == ("new", {"ecn_no": "E-1"})
    assert row[2][0]["body"] == {}


def test_a_partner_can_insert_and_nothing_else(inbox: psycopg.Connection, connect: Connect) -> None:
    inbox.execute("create role inbox_partner login; grant usage on schema w to inbox_partner")
    try:
        inbox.execute("select artery_staging.grant_partner('inbox_partner', 'w.message')")
        partner = connect("inbox_partner")
        again = "insert into w.message (message_id, body) values ('m1', %s) on conflict do nothing"
        assert [partner.execute(again, (FINE,)).rowcount for _ in range(2)] == [1, 0]
        inbox.execute(PROCESS)
        row = inbox.execute("select source, received_by, status from w.message").fetchone()
        assert row == ("inbox_partner", "inbox_partner", "processed")
        for refused in (
            "select * from w.message",
            "select count(*) from w.message",
            "insert into w.message (message_id, body) values ('m2', 'x') returning id",
            "insert into w.message (source, message_id, body) values ('other', 'm3', 'x')",
            "insert into w.message (message_id, body, status) values ('m3', 'x', 'processed')",
            "insert into w.message (message_id, body) values ('m1', 'x')"
            " on conflict (source, message_id, body_hash) do nothing",
            "update w.message set body = 'x'",
            "delete from w.message",
            "truncate w.message",
            "select artery_staging.process('w.message')",
            "select artery_staging.reprocess('w.message', '{1}')",
            "select * from artery_staging.inbox",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                partner.execute(refused.encode())
        inbox.execute("select artery_staging.grant_partner('inbox_partner', 'w.message', true)")
        partner.execute(
            "insert into w.message (source, message_id, body) values ('other', 'm3', 'x')"
        )
        partner.close()
        for role in ("postgres", "artery_app", "nobody"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                inbox.execute("select artery_staging.grant_partner(%s, 'w.message')", (role,))
    finally:
        inbox.execute("drop owned by inbox_partner; drop role inbox_partner")


def test_what_cannot_be_an_inbox_is_refused(inbox: psycopg.Connection) -> None:
    register = "insert into artery_staging.inbox (table_name, processor) values (%s, %s)"
    for table in ("w.effect", "w.nowhere", "message", "w.message; drop table w.message"):
        with pytest.raises(psycopg.Error) as caught:
            inbox.execute(register, (table, "w.settle"))
        assert caught.value.sqlstate == "IN014", table
    for processor in ("w.nothing", "settle", "w.settle; select 1", "pg_catalog.abs"):
        with pytest.raises(psycopg.Error) as caught:
            inbox.execute("update artery_staging.inbox set processor = %s", (processor,))
        assert caught.value.sqlstate == "IN009", processor


def test_verify_sees_what_is_left_lying(inbox: psycopg.Connection, send: Send) -> None:
    verify = (
        "select detail, tasks, task_ids from artery_monitor.verify('10 s') where invariant = 'I5'"
    )
    send(FINE, "forget", "park")
    inbox.execute(PROCESS)
    assert inbox.execute(verify).fetchall() == []
    send(FINE, first=4)
    inbox.execute("update w.message set due_at = now() - interval '1 min' where message_id = 'm4'")
    inbox.execute("update w.message set reasons = '[]' where status = 'rejected'")
    inbox.execute("update w.message set processed_at = null where status = 'processed'")
    found = inbox.execute(verify).fetchall()
    assert [(detail.split(": ")[1][:12], ids) for detail, _, ids in found] == [
        ("decided with", [1]),
        ("due, and no ", [4]),
        ("rejected wit", [2]),
    ]

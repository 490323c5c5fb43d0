"""The monitor page over HTTP: what it shows, to whom, and what it lets people do."""

from __future__ import annotations

import json
import socket
import time
import urllib.request
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from pg_artery.cli import main
from pg_artery.monitor.store import Store

pytestmark = pytest.mark.one_server

HOSTILE = """<script>alert(1)</script>"><img src=x onerror=alert(2)>'"""


@pytest.fixture
def tasks(conn: psycopg.Connection) -> dict[str, int]:
    """A task each: dead, held, waiting; hostile text wherever text may be."""
    conn.execute("call artery.tick()")
    conn.execute(
        "insert into artery.endpoint (name, base_url) values ('tax', 'https://tax.example/v1')"
    )
    conn.execute(
        "insert into artery.route (topic, endpoint_id, path_template) "
        "select 'tax.invoice', id, '/issue' from artery.endpoint"
    )
    made = {}
    for status in ("dead", "held", "pending"):
        made[status] = conn.execute(
            "select artery.enqueue_task('tax.invoice', %s, p_document_type => %s, "
            "p_document_id => %s)",
            (json.dumps({"note": HOSTILE}), HOSTILE, f"{HOSTILE}{status}"),
        ).fetchone()[0]
    with conn.transaction():
        conn.execute("set local session_replication_role = replica")
        conn.execute(
            "update artery.integration_task set status = %s, ended_at = now(), attempt = 1, "
            "error_class = 'rejected', error = jsonb_build_object('message', %s::text) "
            "where id = %s",
            ("dead", HOSTILE, made["dead"]),
        )
        conn.execute(
            "update artery.integration_task set status = 'held' where id = %s", (made["held"],)
        )
    return made


def status(conn: psycopg.Connection, task: int) -> str:
    return conn.execute(
        "select status from artery.integration_task where id = %s", (task,)
    ).fetchone()[0]


def test_hostile_text_stays_text_on_every_page(monitor, tasks) -> None:
    viewer = monitor()
    for path in (
        "/",
        "/tasks",
        f"/tasks/{tasks['dead']}",
        "/endpoints",
        "/system",
        "/tasks?topic=" + "%3Cscript%3E",
    ):
        page = viewer.get(path)
        assert page.status == 200, path
        assert "<script>alert" not in page.text, path
        assert "<img" not in page.text, path
    assert "&lt;script&gt;alert(1)" in viewer.get("/tasks").text
    policy = viewer.get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_a_dead_task_is_retried_by_name_and_reason(monitor, tasks, conn) -> None:
    viewer = monitor()
    assert "dead" in viewer.get("/tasks?status=dead").text
    page = f"/tasks/{tasks['dead']}"
    answer = viewer.act("retry", {"task": tasks["dead"]}, page)
    assert (answer.status, answer.headers["location"]) == (303, f"{page}?done=1")
    assert status(conn, tasks["dead"]) == "pending"
    assert "Li Wei: tried by hand" in viewer.get(page).text
    assert viewer.act("cancel", {"task": tasks["held"]}, f"/tasks/{tasks['held']}").status == 303
    assert status(conn, tasks["held"]) == "cancelled"


def test_ten_thousand_are_retried_at_once(monitor, tasks, conn) -> None:
    conn.execute(
        "select count(artery.enqueue_task('tax.invoice', '{}')) from generate_series(1, 9999)"
    )
    with conn.transaction():
        conn.execute("set local session_replication_role = replica")
        conn.execute("update artery.integration_task set status = 'dead' where status = 'pending'")
    page = "/tasks?status=dead&topic=tax.invoice"
    fields = {"status": "dead", "topic": "tax.invoice"}
    answer = monitor().act("retry-matching", fields, page)
    assert answer.headers["location"] == f"{page}&done=10001"


def test_a_task_is_put_on_hold_and_released(monitor, tasks, conn) -> None:
    viewer = monitor()
    page = f"/tasks/{tasks['pending']}"
    assert viewer.act("hold", {"task": tasks["pending"]}, page).status == 303
    shown = viewer.get(page).text
    assert "Li Wei: tried by hand" in shown
    assert ">on hold<" in shown
    listed = viewer.get("/tasks?status=on+hold").text
    assert f"/tasks/{tasks['pending']}" in listed
    assert f"/tasks/{tasks['dead']}" not in listed
    assert "status=on%20hold" in viewer.get("/").text
    assert 'value="Put on hold"' not in shown
    assert viewer.act("release-matching", {}, "/tasks?status=on+hold").status == 303
    due = "select due_at <= now() from artery.integration_task where id = %s"
    assert conn.execute(due, (tasks["pending"],)).fetchone() == (True,)
    held = viewer.act("hold-matching", {"status": "pending"}, "/tasks?status=pending")
    assert held.headers["location"] == "/tasks?status=pending&done=1"
    assert viewer.act("release", {"task": tasks["pending"]}, page).status == 303
    assert ">on hold<" not in viewer.get(page).text


def test_breakers_are_worked_by_hand(monitor, tasks, conn) -> None:
    viewer = monitor()
    state = "select state, by_hand from artery.breaker"
    viewer.act("open-breaker", {"endpoint": "tax"}, "/endpoints")
    assert conn.execute(state).fetchone() == ("open", True)
    viewer.act("close-breaker", {"endpoint": "tax"}, "/endpoints")
    assert conn.execute(state).fetchone()[0] == "closed"


def test_what_the_database_refuses_is_said(monitor, tasks) -> None:
    viewer = monitor()
    answer = viewer.act("retry", {"task": tasks["pending"]}, f"/tasks/{tasks['dead']}")
    assert answer.status == 409
    assert "pending" in answer.text
    assert viewer.get("/tasks/4711").status == 404
    assert viewer.get("/inboxes/artery_staging.nothing").status == 409


def test_forms_of_others_are_refused(monitor, tasks, conn) -> None:
    viewer = monitor()
    page = f"/tasks/{tasks['dead']}"
    retry = {"task": tasks["dead"]}
    assert viewer.act("retry", retry, page, Origin="https://evil.example").status == 403
    assert viewer.act("retry", {**retry, "mark": "0" * 64}, page).status == 403
    assert viewer.act("retry", {**retry, "why": " "}, page).status == 400
    assert viewer.act("drop-everything", retry, page).status == 400
    thief = monitor()  # a mark of another process
    mark = viewer.get(page).text.partition('name="mark" value="')[2][:64]
    fields = {**retry, "mark": mark, "back": "/", "who": "x", "why": "y"}
    assert thief.post("/actions/retry", fields).status == 403
    assert viewer.get("/", Host="rebound.example").status == 421
    away = viewer.act("cancel", {"task": tasks["pending"], "back": "//evil.example/"}, page)
    assert away.headers["location"] == "/?done=1"
    assert status(conn, tasks["dead"]) == "dead"


def test_without_the_role_nothing_can_be_done(monitor, tasks, conn) -> None:
    conn.execute("drop role if exists web_reader")
    conn.execute("create role web_reader login in role artery_reader")
    operator, reader = monitor(), monitor(user="web_reader")
    page = f"/tasks/{tasks['dead']}"
    assert 'action="/actions/' not in reader.get(page).text
    mark = operator.get(page).text.partition('name="mark" value="')[2][:64]
    assert mark
    # even with a mark of its own, which no form gives it, the database refuses
    fields = {"task": tasks["dead"], "who": "x", "why": "y", "mark": "", "back": "/"}
    assert reader.post("/actions/retry", fields).status == 403
    assert reader.get("/inboxes/artery_staging.x").status == 409


def test_the_token_is_asked_for(monitor, tasks, tmp_path: Path) -> None:
    key = tmp_path / "token"
    key.write_text("0123456789abcdef-right\n")
    viewer = monitor("--token-file", str(key))
    assert viewer.get("/").headers["location"] == "/login"
    assert viewer.get("/events").status == 303
    assert viewer.post("/actions/retry", {"task": 1}).status == 401
    assert viewer.post("/login", {"token": "wrong"}).status == 403
    assert viewer.get("/").status == 303
    assert viewer.post("/login", {"token": "0123456789abcdef-right"}).status == 303
    assert viewer.get("/").status == 200
    [cookie] = [c for c in viewer.jar if c.name == "artery_monitor"]
    cookie.value = cookie.value.replace(cookie.value[0], "0" if cookie.value[0] != "0" else "1", 1)
    assert viewer.get("/").status == 303


def test_it_does_not_open_itself_to_everybody(dsn: str, tmp_path: Path) -> None:
    refused = CliRunner().invoke(main, ["monitor", "--listen", "0.0.0.0", "--dsn", dsn])
    assert (refused.exit_code, "no token" in refused.output) == (5, True)
    short = tmp_path / "token"
    short.write_text("secret")
    refused = CliRunner().invoke(main, ["monitor", "--token-file", str(short), "--dsn", dsn])
    assert "IN042" in refused.output


def test_news_come_by_themselves(monitor, tasks, conn) -> None:
    viewer = monitor()
    host, _, port = viewer.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), 10) as wire:
        wire.sendall(f"GET /events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        wire.settimeout(15)
        time.sleep(2.5)  # the news of what was before
        read = wire.recv(65536)
        assert b"text/event-stream" in read
        conn.execute("select artery.enqueue_task('tax.invoice', '{}')")
        conn.execute("select pg_stat_force_next_flush()")
        conn.execute("select 1")
        deadline = time.monotonic() + 10
        news = b""
        while b"event: changed" not in news and time.monotonic() < deadline:
            news += wire.recv(65536)
        assert b"event: changed" in news


def test_what_takes_long_is_read_less_often_however_many_look(dsn: str) -> None:
    store = Store(dsn)
    slow = "select clock_timestamp() as at, pg_sleep(0.1)"
    first = store.rows(slow)
    time.sleep(1.2)
    assert store.rows(slow) == first, "20 times 0.1 s have not passed"
    assert 2 <= store.rest_s() <= 10
    assert store.rest_s() == 0, "nothing was read since"
    store.forget()
    assert store.rows(slow) != first
    store.close()


def test_who_does_not_watch_costs_nothing(monitor, tasks, conn) -> None:
    viewer = monitor()
    viewer.get("/")
    last = "select max(query_start) from pg_stat_activity where application_name = 'artery monitor'"
    before = conn.execute(last).fetchone()
    time.sleep(2.5)
    assert conn.execute(last).fetchone() == before, "nobody watches, yet it asks"
    with urllib.request.urlopen(f"{viewer.url}/events", timeout=10) as stream:
        stream.readline()
        deadline = time.monotonic() + 5
        while conn.execute(last).fetchone() == before:
            assert time.monotonic() < deadline, "somebody watches, and it does not ask"
            time.sleep(0.1)


def test_it_speaks_chinese(monitor, tasks) -> None:
    viewer = monitor()
    assert "需要处理" in viewer.get("/", **{"Accept-Language": "zh-CN"}).text
    assert (
        viewer.post("/language", {"language": "zh", "back": "/tasks"}).headers["location"]
        == "/tasks"
    )
    page = viewer.get("/tasks").text
    assert 'lang="zh-CN"' in page
    assert "已终止" in page

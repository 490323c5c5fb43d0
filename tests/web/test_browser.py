"""The page in a real browser: what an operator does with it, and what it must not let happen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from browser import MISSING, Browser, programs
from pytest_httpserver import HTTPServer
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

pytestmark = [
    pytest.mark.one_server,
    pytest.mark.skipif(programs() is None, reason=MISSING),
]

OWN = "document.title='owned'"
HOSTILE = f"""<script>{OWN}</script>"><img src=x onerror={OWN}>'{{{{7*7}}}}"""
WORLD = """
    insert into artery_erp.unit (code, name, dimension, whole_number)
    values ('EA', 'piece', 'count', true), ('KG', 'kilogram', 'mass', false);
"""
BOM = {
    "boms": [{"item": "PUMP", "revision": "A", "unit": "EA", "valid_from": "2026-01-01", "lines": [
        {"component": "ROTOR", "quantity": "1.50", "unit": "KGS"}]}]
}  # fmt: skip

FURNITURE = Path(__file__).with_name("furniture.sql")


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(*programs(), tmp_path_factory.mktemp("profile"))  # type: ignore[misc]
    yield browser
    browser.driver.quit()


@pytest.fixture
def page(chromium: Browser, monitor: Callable) -> Iterator[Callable[..., Browser]]:
    def open_one(*options: str, user: str | None = None) -> Browser:
        chromium.clear(monitor(*options, user=user).url)
        return chromium

    yield open_one
    chromium.driver.get("about:blank")  # or it would ask on for news of a page that is gone


@pytest.fixture
def pictures() -> Path | None:
    """ARTERY_TEST_PICTURES=DIR keeps a picture of each page there."""
    folder = os.environ.get("ARTERY_TEST_PICTURES")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
    return Path(folder) if folder else None


@pytest.fixture
def furnished(conn: psycopg.Connection) -> int:
    """A bit of everything; gives the number of a dead task."""
    conn.execute("call artery.tick()")
    route(conn, "https://tax.example/v1")
    conn.execute(
        "update artery.call_rollup "
        "set counted_until = date_trunc('hour', now(), 'UTC') - interval '2 hours'"
    )
    conn.execute(FURNITURE.read_text().encode())
    conn.execute(WORLD)
    conn.execute(
        "insert into artery_staging.plm_bom (source, message_id, body) values ('plm', 'B-1', %s)",
        (json.dumps(BOM),),
    )
    conn.execute("select artery_staging.process('artery_staging.plm_bom')")
    conn.execute("select artery.open_breaker('plm', 'they asked for it')")
    return conn.execute(
        "select min(id) from artery.integration_task where status = 'dead'"
    ).fetchone()[0]


@pytest.fixture
def runner(dsn: str, tmp_path: Path) -> Iterator[None]:
    artery = Path(sys.executable).with_name("artery")
    with (tmp_path / "runner.log").open("w") as log:
        child = subprocess.Popen([artery, "run", "--dsn", dsn], stdout=log, stderr=log)
        yield
        child.terminate()
        child.wait(15)


def route(conn: psycopg.Connection, base_url: str) -> None:
    conn.execute(
        "with e as (insert into artery.endpoint (name, base_url) values ('tax', %s) returning id) "
        "insert into artery.route (topic, endpoint_id, path_template) "
        "select 'tax.invoice', id, '/issue' from e",
        (base_url,),
    )


def enqueue(conn: psycopg.Connection, document: str, body: object = None) -> int:
    return conn.execute(
        "select artery.enqueue_task('tax.invoice', %s, p_document_type => 'invoice', "
        "p_document_id => %s)",
        (json.dumps(body or {"invoice": document}), document),
    ).fetchone()[0]


def test_a_dead_invoice_is_found_understood_and_sent(page, conn, runner, httpserver: HTTPServer):
    why = {"detail": "the buyer's tax number is missing"}
    httpserver.expect_oneshot_request("/v1/issue").respond_with_json(why, status=422)
    httpserver.expect_request("/v1/issue").respond_with_json({"invoice_no": "F-7"})
    route(conn, httpserver.url_for("/v1"))
    browser = page()
    browser.open("/")
    browser.find("#live", "live")
    task = enqueue(conn, "INV-1")
    # nobody loads the page again: that it died comes by itself
    browser.find(".attention li", "1 dead")
    browser.click("td.bad a", "1")
    browser.click("td a", str(task))
    assert "the buyer's tax number is missing" in browser.read("p.error")
    browser.click("details.call summary", "422")
    assert "idempotency-key" in browser.read("details.call pre").lower()
    browser.act("Retry", "number was added")
    browser.find("h1 .status", "sent")
    assert "Li Wei: number was added" in browser.text
    assert [r.path for r, _ in httpserver.log] == ["/v1/issue"] * 2
    assert browser.foreign() == set()
    assert browser.complaints() == []


def test_a_rejected_bom_is_corrected_on_the_page(page, conn, runner):
    conn.execute(WORLD)
    conn.execute(
        "insert into artery_staging.plm_bom (source, message_id, body) values ('plm', 'B-1', %s)",
        (json.dumps(BOM),),
    )
    browser = page()
    browser.open("/inboxes")
    browser.find("h2", "Why messages are rejected")
    browser.open("/inboxes/artery_staging.plm_bom?status=rejected")
    browser.click("td a", "1")
    assert "KGS" in browser.read(".attention")
    text = browser.value("details.edit textarea")
    assert '"quantity": "1.50"' in text
    corrected = text.replace("KGS", "KG")
    browser.act("Correct", "unit as the PLM told by phone", body=corrected)
    browser.find("h1 .status", "processed")
    browser.click("details.call summary", "unit as the PLM told by phone")
    assert "KGS" in browser.read("details.call pre")
    row = conn.execute("select id, message_id, status, body from artery_staging.plm_bom").fetchone()
    assert row[:3] == (1, "B-1", "processed")
    assert json.loads(row[3])["boms"][0]["lines"][0]["unit"] == "KG"


def test_ten_thousand_are_retried_with_one_confirmation(page, conn):
    route(conn, "https://tax.example/v1")
    conn.execute(
        "select count(artery.enqueue_task('tax.invoice', '{}')) from generate_series(1, 10000)"
    )
    with conn.transaction():
        conn.execute("set local session_replication_role = replica")
        conn.execute("update artery.integration_task set status = 'dead', ended_at = now()")
    browser = page()
    browser.open("/tasks")
    browser.choose("select[name=status]", "dead")
    browser.click("form.filter button")
    browser.act("Retry all that match (10000)", "the gateway is back")
    assert "10000" in browser.read("p.done")
    count = conn.execute(
        "select count(*) from artery.integration_task where status = 'pending' "
        'and history @> \'[{"action": "retry", "reason": "Li Wei: the gateway is back"}]\''
    ).fetchone()
    assert count == (10000,)


def test_hostile_text_stays_text(page, conn):
    """In every field that comes from outside, on every page that shows it."""
    route(conn, "https://tax.example/v1")
    task = enqueue(conn, HOSTILE, {HOSTILE: HOSTILE})
    conn.execute("update artery.integration_task set ordering_key = %s", (HOSTILE,))
    with conn.transaction():
        conn.execute("set local session_replication_role = replica")
        conn.execute(
            "update artery.integration_task set status = 'dead', ended_at = now(), "
            "error_class = %(h)s, document_type = %(h)s, created_by = %(h)s, topic = %(h)s, "
            "handler_status = 'failed', path = %(h)s, content_type = %(h)s, "
            "error = jsonb_build_object('message', %(h)s::text), "
            "handler_error = jsonb_build_object('message', %(h)s::text, 'at', now()), "
            "history = jsonb_build_array(jsonb_build_object('at', now(), 'action', %(h)s::text, "
            "'by', %(h)s::text, 'reason', %(h)s::text))",
            {"h": HOSTILE},
        )
    conn.execute("select artery.create_partitions('infinity')")
    conn.execute(
        "insert into artery.cloud_log (called_at, task_id, attempt, span_id, runner_id, topic, "
        "endpoint_id, request_id, method, url, request_headers, request_body, request_bytes, "
        "request_hash, status_code, response_headers, response_body, outcome, error, peer, "
        "error_class) select now(), t.id, 1, 'x', 1, %(h)s, t.endpoint_id, t.request_id, %(h)s, "
        "%(h)s, jsonb_build_object(%(h)s::text, %(h)s::text), %(h)s, 1, '\\x00', 500, "
        "jsonb_build_object(%(h)s::text, %(h)s::text), %(h)s, 'dead', %(h)s, %(h)s, %(h)s "
        "from artery.integration_task as t",
        {"h": HOSTILE},
    )
    conn.execute("select artery.open_breaker('tax', %s)", (HOSTILE,))
    reasons = json.dumps([dict.fromkeys(("code", "path", "message", "hint"), HOSTILE)])
    history = json.dumps([{"at": HOSTILE, "by": HOSTILE, "why": HOSTILE, "body": HOSTILE,
                           "reasons": json.loads(reasons)}])  # fmt: skip
    conn.execute(
        "insert into artery_staging.plm_bom (source, message_id, body, status, processed_at, "
        "reasons, history) values (%(h)s, %(h)s, %(h)s, 'rejected', now(), %(r)s, %(y)s)",
        {"h": HOSTILE, "r": reasons, "y": history},
    )
    conn.execute(
        "insert into artery.runner (name, host, pid, version) values (%(h)s, %(h)s, 1, %(h)s)",
        {"h": HOSTILE},
    )
    browser = page()
    seen = 0
    for path in (
        "/", "/tasks", f"/tasks/{task}", f"/tasks?error={HOSTILE[:8]}", "/inboxes",
        "/inboxes/artery_staging.plm_bom", "/inboxes/artery_staging.plm_bom/1", "/endpoints",
        "/endpoints/tax", "/system",
    ):  # fmt: skip
        browser.open(path)
        for details in browser.driver.find_elements(By.TAG_NAME, "details"):
            details.find_element(By.TAG_NAME, "summary").click()
        assert "owned" not in browser.driver.title, path
        assert browser.driver.find_elements(By.CSS_SELECTOR, "main img, main script") == [], path
        seen += browser.text.count("<script>document.title")
    assert seen > 30
    assert browser.complaints() == []
    assert browser.foreign() == set()


def test_who_may_not_act_cannot(page, conn, tmp_path: Path, httpserver: HTTPServer):
    route(conn, "https://tax.example/v1")
    task = enqueue(conn, "INV-1")
    conn.execute("drop role if exists browser_reader")
    conn.execute("create role browser_reader login in role artery_reader")
    browser = page(user="browser_reader")
    browser.open(f"/tasks/{task}")
    assert "INV-1" in browser.text
    assert browser.driver.find_elements(By.CSS_SELECTOR, "details.action") == []

    key = tmp_path / "token"
    key.write_text("0123456789abcdef-right")
    browser = page("--token-file", str(key))
    browser.open(f"/tasks/{task}")
    assert "INV-1" not in browser.text
    browser.type("input[name=token]", "wrong" + Keys.ENTER)
    browser.find("[role=alert]", "not the token")
    browser.type("input[name=token]", "0123456789abcdef-right" + Keys.ENTER)
    browser.find("h1", "What needs attention")
    browser.open(f"/tasks/{task}")
    mark = browser.value("input[name=mark]")

    # another site's page, in the same browser that is logged in here: same host, so that even
    # the strict cookie goes along; and it got hold of the mark
    httpserver.expect_request("/evil").respond_with_data(
        f"<form method=post action='{browser.url}/actions/cancel'><input name=mark value={mark}>"
        f"<input name=task value={task}><input name=who value=x><input name=why value=y></form>"
        "<script>document.forms[0].submit()</script>",
        content_type="text/html",
    )
    browser.driver.get(f"http://127.0.0.1:{httpserver.port}/evil")
    browser.find("pre", "a form of another site")
    status = conn.execute("select status from artery.integration_task").fetchone()
    assert status == ("pending",)


def test_everybody_can_use_it(
    page, conn, furnished: int, pictures: Path | None, pytestconfig: pytest.Config
):
    """axe-core finds nothing serious, by day and by night; nothing is wider than a phone."""
    browser = page()
    whole = pictures or pytestconfig.getoption("--long")
    paths = {
        "overview": "/", "message": "/inboxes/artery_staging.plm_bom/1",
        "task": f"/tasks/{furnished}", "saga": "/sagas/1", "tasks": "/tasks?status=dead",
        "inboxes": "/inboxes", "endpoints": "/endpoints", "endpoint": "/endpoints/tax",
        "sagas": "/sagas", "system": "/system",
    }  # fmt: skip
    for look in ("light", "dark", "phone", "chinese"):
        browser.look(dark=look == "dark", phone=look == "phone")
        if look == "chinese":
            browser.open("/")
            browser.click(".language button")
        for name, path in list(paths.items())[: None if whole or look in ("light", "phone") else 4]:
            browser.open(path)
            browser.driver.execute_script(
                "document.querySelectorAll('details.edit, details.call').forEach("
                "(d, n) => { d.open = n < 3; })"
            )
            if look in ("light", "dark") or (look == "phone" and path == "/"):
                assert browser.axe() == [], f"{look} {path}"
            wide = "return document.documentElement.scrollWidth > innerWidth"
            assert not browser.driver.execute_script(wide), f"{look} {path} is too wide"
            if look == "phone":
                cut = (
                    "return [...document.querySelectorAll('.scroll')].some("
                    "e => e.scrollWidth > e.clientWidth + 1)"
                )
                assert not browser.driver.execute_script(cut), f"{path}: a table is cut off"
            if pictures:
                browser.photograph(pictures / f"{look}-{name}.png")
    assert browser.complaints() == []
    assert browser.foreign() == set()


def test_the_keyboard_is_enough(page, conn, furnished: int):
    browser = page()
    browser.open("/tasks?status=dead")
    active = browser.driver.switch_to.active_element
    active.send_keys(Keys.TAB)
    assert browser.driver.switch_to.active_element.text == "Skip to content"
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    for _ in range(40):
        browser.driver.switch_to.active_element.send_keys(Keys.TAB)
        if browser.driver.switch_to.active_element.text == str(furnished):
            break
    # the page is read anew under the reader's hands, and the place is kept
    conn.execute("select artery.open_breaker('tax', 'somebody else')")
    browser.driver.execute_script("document.querySelector('h1').textContent = 'old'")
    browser.find("h1", "Tasks")
    assert browser.driver.switch_to.active_element.text == str(furnished)
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    browser.find("h1", f"Task {furnished}")

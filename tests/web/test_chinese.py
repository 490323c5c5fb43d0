"""What SQL says, in Chinese: translated by its code, never by its text."""

from __future__ import annotations

import re
import string
from pathlib import Path

import psycopg
import pytest

from pg_artery import queries
from pg_artery.monitor import lines_zh
from pg_artery.monitor.codes_zh import CODES_ZH
from pg_artery.monitor.store import Store
from pg_artery.monitor.words import punctuated

pytestmark = pytest.mark.one_server
ROOT = Path(__file__).parents[2]
SOURCES = tuple(
    f"sql/functions/{name}.sql"
    for name in ("monitor/attention", "monitor/_partition_attention", "tax/invoice_attention")
)
CHINESE = {"Accept-Language": "zh-CN"}


def test_every_line_that_needs_attention_has_its_chinese() -> None:
    """Its placeholders are names that the SQL gives."""
    source = "".join((ROOT / name).read_text() for name in SOURCES)
    for code, texts in lines_zh.ATTENTION_ZH.items():
        made = code.startswith(("saga_", "invoice_", "sending_")) or f"'{code}'" in source
        assert made, f"no line has the code {code}"
        for text in texts:
            for _, name, _, _ in string.Formatter().parse(text):
                assert name is None or f"'{name}'" in source, f"{code}: {name}"
    codes = set(re.findall(r"^ +'([a-z_]+)'(?: as code)?,$\n +jsonb_build_object", source, re.M))
    codes |= {
        c
        for pair in re.findall(r"then '(\w+)' else '(\w+)'\n? *end,\n +jsonb", source)
        for c in pair
    }
    assert len(codes) > 12
    assert codes <= set(lines_zh.ATTENTION_ZH)


def test_codes_are_those_of_the_table() -> None:
    table = set(re.findall(r"^\| `(\w{5})` \|", (ROOT / "docs/sqlstates.md").read_text(), re.M))
    ours = {code for code in CODES_ZH if code.startswith("IN")}
    assert ours <= table, f"no such SQLSTATE: {sorted(ours - table)}"
    missing = sorted(table - ours)
    assert len(missing) <= len(table) // 20, f"put them into codes_zh.py: {missing}"


def test_alarms_reasons_and_errors_are_chinese(monitor, conn: psycopg.Connection) -> None:
    conn.execute("call artery.tick()")
    conn.execute(
        "insert into artery.endpoint (name, base_url) values ('tax', 'https://tax.example/v1')"
    )
    conn.execute(
        "insert into artery.route (topic, endpoint_id, path_template) "
        "select 'tax.invoice', id, '/issue' from artery.endpoint where name = 'tax'"
    )
    task = conn.execute("select artery.enqueue_task('tax.invoice', '{}')").fetchone()[0]
    conn.execute("select artery.open_breaker('tax', 'audit')")
    conn.execute(
        "insert into artery_staging.plm_bom (message_id, body, status, processed_at, reasons) "
        """values ('B', '{"boms": []}', 'rejected', now(), """
        """'[{"code": "IN209", "message": "M-1 > M-1"}]')"""
    )
    viewer = monitor()
    overview = viewer.get("/", **CHINESE).text
    for said in ("没有存活的运行器,1 个任务已到期", "手工停止调用:audit", "1 条被拒绝"):
        assert punctuated(said) in overview, said
    assert "no runner is alive, 1 tasks are due" in viewer.get("/").text
    message = viewer.get("/inboxes", **CHINESE).text
    assert "结构会包含自身" in message
    at = conn.execute("select id from artery_staging.plm_bom").fetchone()[0]
    message = viewer.get(f"/inboxes/artery_staging.plm_bom/{at}", **CHINESE).text
    assert "结构会包含自身" in message
    assert "M-1 &gt; M-1" in message, "what was found stays"
    refused = viewer.act("retry", {"task": task}, f"/tasks/{task}", **CHINESE)
    assert refused.status == 409
    assert CODES_ZH["IN006"] in refused.text
    assert "入队" in viewer.get(f"/tasks/{task}", **CHINESE).text
    system = viewer.get("/system", **CHINESE).text
    assert punctuated(lines_zh.SET_UP_ZH["role"]) in system
    assert "角色 artery_runner" in system
    assert "default_transaction_read_only" not in system, "it is the page's own session that is so"
    assert not re.search("[一-鿿][,;:]", system), "a keyboard's punctuation"


def test_every_line_of_the_set_up_has_its_chinese(dsn: str) -> None:
    store = Store(dsn)
    for line in store.rows(queries.DOCTOR):
        told = lines_zh.set_up("zh", line)
        assert line["subject"] in ("PostgreSQL", "pg_cron") or re.match(
            "[一-鿿]", told["subject"]
        ), line
        assert bool(line["mend"]) == bool(told["mend"])
        if line["mend"]:
            assert re.search("[一-鿿]", told["mend"]), line["subject"]
            assert lines_zh.set_up("en", line) == line
    store.close()

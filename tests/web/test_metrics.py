"""What is measured, and what is made of it: /metrics, sql_exporter's file, alerts, dashboard."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pg_artery.cli import main
from pg_artery.resources import monitoring_dir

pytestmark = pytest.mark.one_server

FOLDER = monitoring_dir()
COLLECTOR = yaml.safe_load((FOLDER / "pg_artery.collector.yml").read_text())
RULES = yaml.safe_load((FOLDER / "pg_artery.rules.yml").read_text())
DASHBOARD = json.loads((FOLDER / "pg_artery.dashboard.json").read_text())
QUERIES = {q["query_name"]: q["query"] for q in COLLECTOR["queries"]}
ALERTS = RULES["groups"][0]["rules"]
TOPIC = 'tax\\"in\nvoice'


@pytest.fixture(scope="module")
def promtool() -> str:
    """Prometheus's own checker: the system's, or the one that the set-up fetched."""
    own = Path(__file__).parents[2] / "build/bin/promtool"
    found = shutil.which("promtool") or (str(own) if own.exists() else None)
    if found is None:
        pytest.skip("promtool is missing (Debian: prometheus)")
    return found


@pytest.fixture
def work(conn):
    conn.execute("call artery.tick()")
    conn.execute(
        "with e as (insert into artery.endpoint (name, base_url) "
        "values ('tax', 'https://tax.example/v1') returning id) "
        "insert into artery.route (topic, endpoint_id, path_template) "
        "select 'tax.invoice', id, '/issue' from e"
    )
    conn.execute("select artery.enqueue_task('tax.invoice', '{}')")
    conn.execute("update artery.integration_task set due_at = now() - interval '1 hour'")
    with conn.transaction():
        conn.execute("set local session_replication_role = replica")
        conn.execute(
            "insert into artery.integration_task (request_id, topic, endpoint_id, status, "
            "priority, max_attempts, due_at, method, path, content_type, request_hash, ended_at) "
            "select gen_random_uuid(), %s, e.id, 'dead', 5, 1, now(), 'POST', '/', 'text/plain', "
            "'\\x00', now() from artery.endpoint as e",
            (TOPIC,),
        )
    return conn


def scrape(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Samples by metric, then by the values of their labels."""
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(text)
    }


def test_metrics_are_read_by_an_independent_parser(monitor, work) -> None:
    answer = monitor().get("/metrics")
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    found = scrape(answer.text)
    assert found.keys() == {m["metric_name"].removesuffix("_total") for m in COLLECTOR["metrics"]}
    assert found["artery_tasks"]["tax.invoice", "tax", "waiting"] == 1
    assert found["artery_tasks"][TOPIC, "tax", "dead"] == 1
    assert 3600 <= found["artery_oldest_due_seconds"]["tax.invoice", "tax"] < 4000
    assert found["artery_sweep_steps"]["overdue",] == 0
    assert found["artery_messages"]["artery_staging.plm_bom", "rejected"] == 0


def test_a_counter_only_rises(monitor, work) -> None:
    """Whether a call is in the log alone, or counted by minute, or both at different times."""
    viewer = monitor()
    work.execute("select artery.create_partitions('infinity')")
    work.execute(
        "update artery.call_rollup set counted_until = date_trunc('minute', now(), 'UTC') - "
        "interval '30 minutes'"
    )
    seen = []
    for ago in (25, 20, 0):
        work.execute(
            "insert into artery.cloud_log (called_at, task_id, attempt, span_id, runner_id, topic, "
            "endpoint_id, request_id, method, url, request_bytes, request_hash, outcome, total_ms) "
            "select now() - %s * interval '1 minute', 1, 1, 'x', 1, 'tax.invoice', e.id, "
            "gen_random_uuid(), 'POST', 'u', 1, '\\x00', 'sent', 10 from artery.endpoint as e",
            (ago,),
        )
        for _ in range(2):
            seen.append(scrape(viewer.get("/metrics").text)["artery_calls"])
            work.execute("select artery.count_calls('infinity')")
            work.execute("select pg_sleep(1.1)")  # what was read within the second is given again
    # the second was written when its minute was counted already: it is in the log alone
    assert [list(s.values()) for s in seen] == [[1], [1], [1], [1], [2], [2]]


def test_a_scrape_needs_the_token_too(monitor, work, tmp_path: Path) -> None:
    key = tmp_path / "token"
    key.write_text("0123456789abcdef-right\n")
    viewer = monitor("--token-file", str(key))
    assert viewer.get("/metrics").status == 401
    assert viewer.get("/metrics", Authorization="Bearer wrong").status == 401
    answer = viewer.get("/metrics", Authorization="Bearer 0123456789abcdef-right")
    assert answer.status == 200
    assert "set-cookie" not in {name.lower() for name in answer.headers}
    assert viewer.get("/", Authorization="Bearer 0123456789abcdef-right").status == 303


def test_sql_exporters_queries_run_for_a_reader(work, connect) -> None:
    work.execute("drop role if exists web_scraper")
    work.execute("create role web_scraper login in role artery_reader")
    reader = connect("web_scraper")
    reader.execute("set default_transaction_read_only = on")
    for metric in COLLECTOR["metrics"]:
        cursor = reader.execute(metric.get("query") or QUERIES[metric["query_ref"]])
        columns = [column.name for column in cursor.description]
        assert set(metric.get("key_labels", [])) | set(metric["values"]) <= set(columns)
        assert ("value_label" in metric) == (len(metric["values"]) > 1), metric["metric_name"]
        for row in cursor.fetchall():
            assert None not in row, metric["metric_name"]
            assert all(float(row[columns.index(value)]) is not None for value in metric["values"])


def known_labels(metric: dict[str, Any]) -> dict[str, set[str] | None]:
    """A metric's labels; with their values where the file names them."""
    labels: dict[str, set[str] | None] = dict.fromkeys(metric.get("key_labels", ()))
    if "value_label" in metric:
        labels[metric["value_label"]] = set(metric["values"])
    return labels


EXPRESSIONS = [(rule["alert"], rule["expr"]) for rule in ALERTS] + [
    (panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]
]


@pytest.mark.parametrize(("name", "expression"), EXPRESSIONS, ids=[name for name, _ in EXPRESSIONS])
def test_what_alerts_and_panels_ask_for_is_measured(name: str, expression: str) -> None:
    metrics = {metric["metric_name"]: known_labels(metric) for metric in COLLECTOR["metrics"]}
    asked = re.findall(r"\b(artery_\w+)(?:\{([^}]*)\})?", expression)
    assert asked
    for metric, matchers in asked:
        assert metric in metrics
        for label, operator, value in re.findall(r'(\w+)(=~|!=|=)"([^"]*)"', matchers):
            values = metrics[metric][label]
            if values and operator in ("=", "=~"):
                assert set(value.split("|")) <= values
    for label in re.findall(r"\bby \((\w+)\)", expression):
        assert all(label in metrics[metric] for metric, _ in asked)


def test_each_alert_has_its_page_in_the_runbook() -> None:
    headings = re.findall(r"^## (\w+)$", (FOLDER.parent / "docs/runbook.md").read_text(), re.M)
    assert {rule["alert"] for rule in ALERTS} <= set(headings)
    assert {rule["labels"]["severity"] for rule in ALERTS} == {"page", "ticket"}


def test_prometheus_finds_no_fault_in_rules_and_panels(promtool: str, tmp_path: Path) -> None:
    """A panel's expression is put to it as a rule's."""
    panels = tmp_path / "panels.yml"
    expressions = [
        re.sub(r"\$__\w*interval|\$__range", "5m", target["expr"])
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    ]
    rules = [{"record": f"panel:{n}", "expr": expr} for n, expr in enumerate(expressions)]
    panels.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
    for file, count in ((FOLDER / "pg_artery.rules.yml", len(ALERTS)), (panels, len(rules))):
        done = subprocess.run(
            [promtool, "check", "rules", str(file)], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"{count} rules found" in done.stdout


def test_panels_do_not_lie_on_each_other() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in DASHBOARD["panels"]):
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells
        assert max(x for x, _ in cells) < 24
        taken |= cells


def test_prometheus_finds_no_fault_in_the_metrics(promtool: str, monitor, work) -> None:
    text = monitor().get("/metrics").text
    # it reads the older format, in which a counter's family carries _total
    counters = [m["metric_name"] for m in COLLECTOR["metrics"] if m["type"] == "counter"]
    for name in counters:
        text = re.sub(rf"^(# \w+) {name.removesuffix('_total')} ", rf"\1 {name} ", text, flags=re.M)
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60
    )
    # partitions are days long
    days = 'use base unit "seconds" instead of "days"'
    said = [line for line in (done.stdout + done.stderr).splitlines() if not line.endswith(days)]
    assert (done.returncode in (0, 3), said) == (True, [])


def test_alerts_fire_when_they_should(promtool: str, tmp_path: Path) -> None:
    """Prometheus's own word: series in, alerts out."""
    quiet = {
        "artery_sagas_waiting": 0, 'artery_sweep_steps{state="overdue"}': 0,
        'artery_runners{state="working"}': 0, 'artery_runners{state="idle"}': 1,
        'artery_oldest_due_seconds{topic="t",endpoint="e"}': 20,
        'artery_tasks{topic="t",endpoint="e",status="held"}': 0,
        'artery_tasks{topic="t",endpoint="e",status="dead"}': 0,
        'artery_partition_days_left{parent="p"}': 6,
        'artery_messages{inbox="i",status="rejected"}': 0, 'artery_breaker_open{endpoint="e"}': 0,
        "artery_vacuum_held_seconds": 5, "artery_vacuum_held_transactions": 100,
        "artery_armed": 1, 'artery_partition_days_behind{parent="p"}': 0,
    }  # fmt: skip
    keys = list(quiet)
    causes: dict[str, dict[str, int | None]] = {
        "": {},
        "ArteryUnseen": dict.fromkeys(quiet),
        "ArteryNotArmed": {"artery_armed": 0},
        "ArteryNotSweeping": {keys[1]: 2},
        "ArteryNoRunner": {keys[3]: 0, keys[4]: 60},
        "ArteryBehind": {keys[4]: 900},
        "ArteryHeld": {keys[5]: 1},
        "ArterySagaWaits": {keys[0]: 1},
        "ArteryPartitionsEnd": {keys[7]: 1},
        "ArteryPartitionsStay": {keys[13]: 5},
        "ArteryDead": {keys[6]: 3},
        "ArteryRejected": {keys[8]: 1},
        "ArteryBreakerOpen": {keys[9]: 1},
        "ArteryVacuumHeld": {keys[11]: 2_000_000},
    }
    assert causes.keys() - {""} == {rule["alert"] for rule in ALERTS}
    tests = [
        {
            "interval": "1m",
            "input_series": [
                {"series": series, "values": f"{value}x100"}
                for series, value in (quiet | cause).items()
                if value is not None
            ],
            "promql_expr_test": [
                {
                    "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                    "eval_time": "90m",
                    "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1}]
                    if alert
                    else [],
                }
            ],
        }
        for alert, cause in causes.items()
    ]
    file = tmp_path / "test.yml"
    file.write_text(
        json.dumps({"rule_files": [str(FOLDER / "pg_artery.rules.yml")], "tests": tests})
    )
    done = subprocess.run(
        [promtool, "test", "rules", str(file)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_files_come_with_the_package(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["monitor", "--export", str(tmp_path / "m"), "--dsn", ""])
    assert done.exit_code == 0, done.output
    assert {path.name for path in (tmp_path / "m").iterdir()} == {
        f"pg_artery.{kind}" for kind in ("collector.yml", "rules.yml", "dashboard.json")
    }

"""The page's /metrics: what the shipped collector file says, as OpenMetrics text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, LiteralString, cast

import yaml
from starlette.requests import Request
from starlette.responses import Response

from pg_artery.commands.listing import Row
from pg_artery.monitor.store import Store
from pg_artery.resources import monitoring_dir

COLLECTOR = "pg_artery.collector.yml"
CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Metrics:
    """Reads the collector file once, and the database at every scrape."""

    def __init__(self, store: Store) -> None:
        self._store = store
        collector = yaml.safe_load((monitoring_dir() / COLLECTOR).read_text(encoding="utf-8"))
        queries = {named["query_name"]: named["query"] for named in collector["queries"]}
        self._metrics = [
            (metric, cast(LiteralString, metric.get("query") or queries[metric["query_ref"]]))
            for metric in collector["metrics"]
        ]

    def serve(self, _request: Request) -> Response:
        """Answer a scrape. Errors: psycopg.Error where the database is away."""
        lines = [
            line
            for metric, query in self._metrics
            for line in _family(metric, self._store.rows(query))
        ]
        return Response("\n".join([*lines, "# EOF", ""]), media_type=CONTENT_TYPE)


def _family(metric: dict[str, Any], rows: list[Row]) -> Iterator[str]:
    """Give the lines of one metric; a counter's family is its name without _total."""
    name: str = metric["metric_name"]
    family = name.removesuffix("_total") if metric["type"] == "counter" else name
    yield f"# TYPE {family} {metric['type']}"
    yield f"# HELP {family} {metric['help'].translate(_ESCAPES)}"
    for row in rows:
        labels = {label: row[label] for label in metric.get("key_labels", ())}
        for value in metric["values"]:
            if "value_label" in metric:
                labels[metric["value_label"]] = value
            pairs = ",".join(
                f'{label}="{str(text).translate(_ESCAPES)}"' for label, text in labels.items()
            )
            number = row[value]
            yield f"{name}{f'{{{pairs}}}' if pairs else ''} {'NaN' if number != number else number}"

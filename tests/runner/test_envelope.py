"""What arrives is read by other people's libraries: CloudEvents, structured fields, trace context.

The receivers are a raw socket that keeps every byte, and httpbin, which tells what it understood.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import http_sfv
import httpbin
import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from cloudevents.core.formats.json import JSONFormat
from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from standardwebhooks import Webhook
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

pytestmark = pytest.mark.one_server

BODY = {"mo_no": "MO-1", "text": 'Größe 100% "東京"', "quantity": 1.50}
SUBJECT = 'MO "1" 100% 東京'
KEY = "whsec_" + "A" * 32
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def enqueue(outbox, topic: str = "to") -> UUID:
    (number,) = outbox.conn.execute(
        "select artery.enqueue_task(%s, %s, p_document_type => 'mo', p_document_id => %s)",
        (topic, json.dumps(BODY), SUBJECT),
    ).fetchone()
    return outbox.value(f"select request_id from artery.integration_task where id = {number}")


def event(request):
    return from_http_event(HTTPMessage(request.headers, request.body), JSONFormat())


@pytest.mark.parametrize("form", ["binary", "structured"])
def test_an_event_is_understood_signed_and_the_same_at_every_attempt(
    outbox, receiver, artery_run, dsn, form
):
    outbox.conn.execute(
        "update artery.endpoint set envelope = %s, signing_ref = 'env:HOOK'",
        (f"cloudevents_{form}",),
    )
    request_id = enqueue(outbox)
    receiver.status = 503
    artery_run(dsn, HOOK=KEY).wait_started()
    receiver.wait_for(2)
    receiver.status = 200
    outbox.wait({"sent": 1})

    first, *others = receiver.requests
    assert others
    for request in receiver.requests:
        read = event(request)
        assert read.get_id() == str(request_id) == request.headers["x-request-id"]
        assert read.get_type() == "to"
        assert read.get_source().startswith("urn:pg_artery:")
        assert read.get_subject() == f"mo/{SUBJECT}"
        assert abs((datetime.now(UTC) - read.get_time()).total_seconds()) < 60
        assert read.get_data() == BODY
        assert request.body == first.body
        assert read.get_attributes() == event(first).get_attributes()
        Webhook(KEY).verify(request.body, request.headers)


def test_the_trace_goes_on_with_a_span_for_each_attempt(outbox, receiver, artery_run, dsn):
    outbox.add("own", receiver.url)
    with outbox.conn.transaction():
        outbox.conn.execute(f"set local artery.traceparent = '{PARENT}'")
        continued = str(enqueue(outbox))
    own = str(enqueue(outbox, "own"))
    receiver.status = 503
    artery_run(dsn).wait_started()
    receiver.wait_for(5)
    receiver.status = 200
    outbox.wait({"sent": 2})

    spans: dict[str, list[trace.SpanContext]] = {continued: [], own: []}
    for request in receiver.requests:
        context = TraceContextTextMapPropagator().extract(request.headers)
        span = trace.get_current_span(context).get_span_context()
        assert span.is_valid
        assert span.is_remote
        (key,) = [http_sfv.Item()]
        key.parse(request.headers["idempotency-key"].encode())
        assert key.value == request.headers["x-request-id"]
        spans[key.value].append(span)
    for request_id, found in spans.items():
        assert len(found) > 1
        assert len({s.span_id for s in found}) == len(found)
        assert {s.trace_id for s in found} == {
            int(
                "0af7651916cd43dd8448eb211c80319c"
                if request_id == continued
                else UUID(request_id).hex,
                16,
            )
        }
        assert {s.trace_flags.sampled for s in found} == {request_id == own}
        logged = outbox.conn.execute(
            "select trace_id, span_id from artery.cloud_log where request_id = %s", (request_id,)
        ).fetchall()
        assert {(t.int, int(s, 16)) for t, s in logged} == {(s.trace_id, s.span_id) for s in found}


@pytest.fixture
def bin_url() -> Iterator[str]:
    """httpbin under /v1 of a server on loopback."""
    app = DispatcherMiddleware(Response(status=404), {"/v1": httpbin.app})
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()


def test_httpbin_reads_json_and_xml_as_such(outbox, bin_url, artery_run, dsn):
    outbox.add("json", bin_url, "/anything/mo?x=1")
    outbox.add("xml", bin_url, "/anything/mo", envelope="xml")
    outbox.conn.execute("select artery.enqueue_task('json', %s)", (json.dumps(BODY),))
    outbox.conn.execute("select artery.enqueue_task('xml', p_raw_body => '<mo>€</mo>')")
    artery_run(dsn).wait_started()
    outbox.wait({"sent": 2})
    said = dict(outbox.conn.execute("select topic, response_body::json from artery.cloud_log"))
    assert said["json"]["json"] == BODY
    assert said["json"]["args"] == {"x": "1"}
    assert "application/problem+json" in said["json"]["headers"]["Accept"]
    assert said["xml"]["data"] == "<mo>€</mo>"
    assert said["xml"]["headers"]["Content-Type"] == "application/xml"

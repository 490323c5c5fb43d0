"""One call by libcurl: a handle that serves one request after the other, and its report.

What costs processor time here is paid per request, so a `Call`'s constant options are set once, and
header lines and body chunks are gathered by `list.append` itself. Redirects are never followed, the
environment's proxies and netrc are never consulted, TLS is always verified, and one deadline covers
the whole call however slowly it drips.
"""

from __future__ import annotations

from time import monotonic, time

import orjson
import pycurl

from pg_artery import handle, outcome, signing
from pg_artery.endpoint import SUBJECT, Endpoint, Unusable, check_headers, hide, redact
from pg_artery.tokens import Token
from pg_artery.work import Result, Task

UNAUTHORIZED = 401


class Call:
    """A libcurl handle that is set up for one endpoint and method, and what it gathers."""

    __slots__ = (
        "body", "connected_at", "curl", "dialled", "endpoint", "lines", "look_at", "method",
        "refused", "sent", "task", "token",
    )  # fmt: skip

    def __init__(self, endpoint: Endpoint, method: str) -> None:
        self.endpoint = endpoint
        self.method = method
        self.body: list[bytes] = []
        self.lines: list[bytes] = []
        self.dialled: list[int] = []
        self.refused: list[str] = []
        self.sent: dict[str, str] = {}
        self.task: Task
        self.connected_at = self.look_at = 0.0
        self.token: Token | None = None
        # the two apart are kept by deadlines.py
        connecting = endpoint.connect_timeout_ms + endpoint.tls_timeout_ms
        self.curl = curl = handle.new(connecting, endpoint.total_timeout_ms)
        curl.call = self
        if method == "GET":
            curl.setopt(pycurl.HTTPGET, 1)
        else:
            curl.setopt(pycurl.POST, 1)
            if method != "POST":
                curl.setopt(pycurl.CUSTOMREQUEST, method)
        for option, value in (
            # libcurl sends once more by itself when a connection used before breaks unanswered
            (pycurl.FRESH_CONNECT, not endpoint.idempotent),
            (pycurl.MAXFILESIZE_LARGE, endpoint.max_response_bytes),
            (pycurl.WRITEFUNCTION, self.body.append),
            (pycurl.HEADERFUNCTION, self.lines.append),
        ):
            curl.setopt(option, value)
        endpoint.guard.attach(curl, self.refused, self.dialled, self._too_late)
        if endpoint.access is not None:
            endpoint.access.apply(curl)

    def prepare(self, task: Task, token: Token | None = None) -> None:
        """Set what differs from call to call; `token` of OAuth 2, if any. Errors: Unusable."""
        self.task, self.token = task, token
        request_id, content_type = task.request_id, task.content_type
        traceparent = f"00-{request_id.replace('-', '')}-{task.span_id}-01"
        own: dict[str, str] = {}
        if task.headers is not None:
            own = orjson.loads(task.headers)
            parent = str(own.pop("traceparent", "")).split("-")
            if self.endpoint.grant is not None and self.endpoint.grant.personal:
                own.pop(SUBJECT, None)
            own = check_headers(own, "the task's", self.endpoint.auth_names)
            if len(parent) >= 4 and len(parent[1]) == 32:
                traceparent = f"00-{parent[1]}-{task.span_id}-{parent[3][:2]}"
        lines = [
            f"Content-Type: {content_type}",
            f'Idempotency-Key: "{request_id}"',
            f"X-Request-ID: {request_id}",
            f"traceparent: {traceparent}",
            *self.endpoint.header_lines,
        ]
        self.sent = {
            "content-type": content_type,
            "idempotency-key": f'"{request_id}"',
            "traceparent": traceparent,
        }
        if self.endpoint.logged_headers:
            self.sent.update(self.endpoint.logged_headers)
        if token is not None:
            lines.append(token.line)
            if task.unauthorized:
                self.sent["authorization"] = "[redacted]: another token, after a 401 with the first"
        if own:
            lines += [f"{name}: {value}" for name, value in own.items()]
            self.sent.update(redact(own))
        if not task.path.startswith("/"):
            raise Unusable("bad_request", f"the path {task.path!r} does not begin with a slash")
        try:
            body = (task.body or "").encode() if self.method != "GET" else b""
            if self.endpoint.signing_keys:
                signed = signing.headers(self.endpoint.signing_keys, request_id, int(time()), body)
                lines += [f"{name}: {value}" for name, value in signed.items()]
                self.sent.update(redact(signed))
            self.curl.setopt(pycurl.URL, self.endpoint.base_url + task.path)
            self.curl.setopt(pycurl.HTTPHEADER, lines)
            if self.method != "GET":
                self.curl.setopt(pycurl.POSTFIELDS, body)
        except (pycurl.error, UnicodeError, ValueError) as error:
            raise Unusable("bad_request", f"libcurl refuses the request: {error}") from error

    def _too_late(self) -> str | None:
        """Say so where the task is no longer ours: this process may have been stopped for long."""
        if self.task.lost or self.task.lease.until <= monotonic():
            return "its lease ended before the request could go out: nothing was sent"
        return None

    def reset(self) -> None:
        """Forget the finished request."""
        self.body.clear()
        self.lines.clear()
        self.dialled.clear()
        self.refused.clear()
        self.connected_at = 0.0

    def result(self, code: int, message: str) -> Result:
        """Give the report on the finished request; `code`, `message` are libcurl's, 0 if well."""
        curl, task = self.curl, self.task
        result = report(task, self.endpoint)
        result["request_headers"] = self.sent
        status = curl.getinfo(pycurl.RESPONSE_CODE)
        if status:
            result["status_code"] = status
            if status == UNAUTHORIZED:  # the secret may have been rotated since
                result["endpoint_version"] = self.endpoint.version
        if curl.getinfo(pycurl.NUM_CONNECTS) or (
            code and not curl.getinfo(pycurl.PRETRANSFER_TIME)
        ):
            looked_up = curl.getinfo(pycurl.NAMELOOKUP_TIME)
            dialled = curl.getinfo(pycurl.CONNECT_TIME)
            secured = curl.getinfo(pycurl.APPCONNECT_TIME)
            result["dns_ms"] = looked_up * 1000
            result["connect_ms"] = max(dialled - looked_up, 0) * 1000
            if secured:
                result["tls_ms"] = (secured - dialled) * 1000
        if self.lines:
            result["first_byte_ms"] = curl.getinfo(pycurl.STARTTRANSFER_TIME) * 1000
        # of a call that libcurl did not end itself, its total may say 0
        result["total_ms"] = (curl.getinfo(pycurl.TOTAL_TIME) or monotonic() - task.started) * 1000
        result["peer"] = curl.getinfo(pycurl.PRIMARY_IP)
        if code:
            self._explain(result, code, message)
        headers = outcome.response_headers(self.lines)
        hide = self._hide
        if headers:
            if self.endpoint.hidden or self.token:
                headers = {name: hide(value) for name, value in headers.items()}
            result["response_headers"] = headers
            if "retry-after" in headers:
                result["retry_after"] = headers["retry-after"]
        if self.body and result.get("error_kind") != "too_large":
            body = self.body[0] if len(self.body) == 1 else b"".join(self.body)
            result["response_bytes"] = len(body)
            result["response_body"] = hide(outcome.text(body, headers.get("content-type", "")))
        else:
            result["response_bytes"] = sum(map(len, self.body))
        return result

    def _hide(self, text: str) -> str:
        return hide(self.endpoint.hide(text), self.token.hidden if self.token else ())

    def _explain(self, result: Result, code: int, message: str) -> None:
        kind = outcome.KINDS.get(code, "protocol")
        if kind == "reset" and sum(map(len, self.lines)) > outcome.HEADER_BYTES:
            kind = "too_large"
        if kind == "timeout":
            kind = outcome.timeout_kind(self.curl, self.connected_at > 0)
        elif kind in ("connect", "interrupted") and self.refused:
            # where another address of the name was dialled, in vain, that is what went wrong
            kind = kind if self.dialled else "egress"
            message = "; ".join([message] * bool(self.dialled) + self.refused)
        if self.endpoint.access and self.endpoint.access.blames_proxy(self.curl, kind):
            kind = "proxy"
        result["error_kind"] = kind
        result["error"] = self._hide(message)[:500].replace("\x00", "")


def report(task: Task, endpoint: Endpoint | None, problem: Unusable | None = None) -> Result:
    """Give the part of a report that does not depend on an answer, with `problem` if unsendable."""
    result: Result = {"id": task.id, "attempt": task.attempt, "span_id": task.span_id}
    result["url"] = (endpoint.base_url if endpoint else "") + task.path
    if problem is not None:
        result["error_kind"], result["error"] = problem.kind, str(problem)
    return result

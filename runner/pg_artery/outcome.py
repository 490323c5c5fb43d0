"""What a finished call came to, in the words of the report: kinds of error, headers, text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pycurl

HTTP_VERSION_LINE = b"HTTP/"
HEADER_BYTES = 200_000  # libcurl breaks off at 300 KiB of headers, with the code of a reset

# CURLcode -> error_kind, where libcurl's code alone decides; anything else is 'protocol'
KINDS: dict[int, str] = {
    pycurl.E_COULDNT_RESOLVE_HOST: "dns",
    pycurl.E_COULDNT_RESOLVE_PROXY: "proxy",
    97: "proxy",  # CURLE_PROXY
    pycurl.E_COULDNT_CONNECT: "connect",
    pycurl.E_OPERATION_TIMEDOUT: "timeout",
    pycurl.E_GOT_NOTHING: "reset",
    pycurl.E_SEND_ERROR: "reset",
    pycurl.E_RECV_ERROR: "reset",
    pycurl.E_PARTIAL_FILE: "reset",
    pycurl.E_FILESIZE_EXCEEDED: "too_large",
    100: "too_large",  # CURLE_TOO_LARGE
    pycurl.E_URL_MALFORMAT: "bad_request",
    pycurl.E_BAD_FUNCTION_ARGUMENT: "bad_request",
    pycurl.E_ABORTED_BY_CALLBACK: "interrupted",
    **dict.fromkeys((35, 53, 54, 58, 59, 60, 64, 66, 77, 80, 82, 83, 90, 91, 98), "tls"),
}

RECEIVED_CLEAR = frozenset(
    b"content-digest content-disposition content-encoding content-language content-type "
    b"deprecation digest etag last-modified location repr-digest "
    b"retry-after sunset traceparent x-correlation-id x-request-id ratelimit ratelimit-policy "
    b"ratelimit-limit ratelimit-remaining ratelimit-reset x-ratelimit-limit x-ratelimit-remaining "
    b"x-ratelimit-reset".split()
)

# Others are read as UTF-8: some of Python's codecs are no charsets and take quadratic time
CHARSETS = re.compile(
    r"utf-?8|utf-?16([bl]e)?|us-ascii|ascii|iso-?8859-\d+|latin1|windows-125\d|gb(2312|k|18030)|big5|"
    r"shift_jis|euc-(jp|kr)"
)

_parsed: dict[bytes, tuple[str, str] | None] = {}


def _parse_line(line: bytes) -> tuple[str, str] | None:
    name, colon, value = line.partition(b":")
    name = name.strip().lower()
    if not colon or name not in RECEIVED_CLEAR:
        return None
    text = value.strip()[:2000].decode("latin-1").replace("\x00", "")
    if name == b"location":
        text = text.partition("?")[0]  # a redirect's query may carry a token
    return name.decode(), text


def response_headers(lines: Iterable[bytes]) -> dict[str, str]:
    """Give the headers worth keeping of the last response in `lines`, names in lower case.

    Most lines repeat from call to call, so their parsed form is kept.
    """
    found: dict[str, str] = {}
    for line in lines:
        try:
            pair = _parsed[line]
        except KeyError:
            if line.startswith(HTTP_VERSION_LINE):
                found.clear()  # what came before belonged to an interim response
                continue
            if len(_parsed) > 2000:
                _parsed.clear()
            pair = _parse_line(line)
            if len(line) < 200:
                _parsed[line] = pair
        if pair is not None:
            found[pair[0]] = pair[1]
    return found


def text(body: bytes, content_type: str) -> str:
    """Give a body as text that PostgreSQL takes: in its own charset, bad bytes replaced, no NUL."""
    charset = content_type.lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
    try:
        decoded = body.decode(charset if CHARSETS.fullmatch(charset) else "utf-8", "replace")
    except LookupError:
        decoded = body.decode("utf-8", "replace")
    return decoded.replace("\x00", "") if "\x00" in decoded else decoded


def timeout_kind(curl: Any, connected: bool) -> str:
    """Tell what a call waited for when its deadline passed; `connected` if only TLS was missing.

    Before the connection stood, its TLS included, nothing was sent, and that the receiver cannot
    have acted matters.
    """
    # libcurl's time before the transfer does not tell: it sets that of failed connections too
    if curl.getinfo(pycurl.REQUEST_SIZE) > 0:
        return "timeout"
    if connected:
        return "tls"
    return "connect" if curl.getinfo(pycurl.NAMELOOKUP_TIME) > 0 else "dns"

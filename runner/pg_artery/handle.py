"""libcurl handles, as all of ours are: no redirects, nothing from the environment, TLS verified."""

from __future__ import annotations

import pycurl

from pg_artery import __version__

REUSE_SECONDS = 60
#: An empty Expect keeps libcurl from waiting for 100 Continue before large bodies
OWN_LINES = [f"User-Agent: pg-artery/{__version__}", "Expect:"]


def new(connect_timeout_ms: int, total_timeout_ms: int) -> pycurl.Curl:
    """Make a handle; one deadline covers the whole call however slowly it drips."""
    curl = pycurl.Curl()
    for option, value in (
        (pycurl.NOSIGNAL, 1),
        (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
        (pycurl.FOLLOWLOCATION, 0),
        (pycurl.PROXY, ""),
        (pycurl.NETRC, pycurl.NETRC_IGNORED),
        (pycurl.PATH_AS_IS, 1),
        (pycurl.ACCEPT_ENCODING, ""),
        (pycurl.SSL_VERIFYPEER, 1),
        (pycurl.SSL_VERIFYHOST, 2),
        (pycurl.MAXAGE_CONN, REUSE_SECONDS),
        (pycurl.CONNECTTIMEOUT_MS, connect_timeout_ms),
        (pycurl.TIMEOUT_MS, total_timeout_ms),
    ):
        curl.setopt(option, value)
    return curl

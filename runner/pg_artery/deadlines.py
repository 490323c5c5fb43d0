"""The deadlines that libcurl does not keep by itself: connection, TLS, the answer's first byte.

libcurl has one for the whole call and one for all that comes before the request. How far a call has
come is looked at from time to time: most have ended before the first look and cost nothing.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from math import inf

import pycurl

from pg_artery.call import Call

STEP = 0.1  # seconds between looks at a call that is being connected


def first_look(call: Call) -> float:
    """Give the age in seconds at which to look at a call for the first time."""
    return min(STEP, call.endpoint.first_byte_timeout_ms / 1000)


def look(call: Call, age: float) -> tuple[float, str]:
    """Look at a call under way, `age` seconds after its start.

    Gives the age at which to look again, and which deadline has passed, if one has.
    """
    curl, endpoint = call.curl, call.endpoint
    if curl.getinfo(pycurl.STARTTRANSFER_TIME) > 0:
        return inf, ""
    sending = curl.getinfo(pycurl.PRETRANSFER_TIME)
    if sending > 0:
        due = sending + endpoint.first_byte_timeout_ms / 1000
        problem = f"no answer within {endpoint.first_byte_timeout_ms} ms of sending"
        return due, problem if age >= due else ""
    if not call.connected_at and _any_connected(call.dialled):
        call.connected_at = age
    if call.connected_at:
        due = call.connected_at + endpoint.tls_timeout_ms / 1000
        problem = f"no TLS session within {endpoint.tls_timeout_ms} ms of the connection"
    else:
        due = endpoint.connect_timeout_ms / 1000
        what = "connection" if call.dialled else "address for the name"
        problem = f"no {what} within {endpoint.connect_timeout_ms} ms"
    return min(due, age + STEP), problem if age >= due else ""


def _any_connected(descriptors: Iterable[int]) -> bool:
    """Tell whether TCP stands; libcurl says so only once TLS does too."""
    for descriptor in descriptors:
        try:
            with socket.socket(fileno=os.dup(descriptor)) as copy:
                copy.getpeername()
        except OSError:
            continue
        return True
    return False

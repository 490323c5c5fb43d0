"""Tokens of OAuth 2: kept in memory alone, one request at a time, fetched ahead of their end.

A token request is a call in the same libcurl multi as all others, under the same guard and the
endpoint's own deadlines; tasks wait for it, and no other endpoint does. One that fails costs no
task an attempt: it is a fault of kind `token`.
"""

from __future__ import annotations

from collections.abc import Iterable
from time import monotonic

import pycurl

from pg_artery import handle, outcome
from pg_artery.access import spellings
from pg_artery.endpoint import Endpoint, Unusable, hide
from pg_artery.oauth import ANSWER_BYTES, Grant, Refused

AHEAD, AHEAD_SHARE = 60.0, 0.25  # fetched anew this long before its end, or this share of its life
SKEW, SKEW_SHARE = 5.0, 0.1  # not used for so long before its end: it is under way for a while
PAUSE_FIRST, PAUSE_CAP = 1.0, 30.0  # seconds between tries that fail
PAUSE_ASKED_CAP = 300.0  # the longest Retry-After of a token server that is heeded
FRESH = 10.0  # one fetched because of a 401 is believed for so long, whatever the receiver says
MESSAGE = 300  # characters of what a token server said


class Token:
    """A token and its times, in seconds on the monotonic clock."""

    __slots__ = ("expires", "hidden", "line", "obtained", "refresh", "replaces")

    def __init__(self, value: str, began: float, life: float, replaces: bool) -> None:
        """Life counts from `began`, before the request; `replaces` one answered with a 401."""
        self.line = f"Authorization: Bearer {value}"
        self.hidden = sorted(spellings(value), key=len, reverse=True)
        self.obtained = monotonic()
        self.expires = began + life - min(SKEW, SKEW_SHARE * life)
        self.refresh = began + life - min(AHEAD, AHEAD_SHARE * life)
        self.replaces = replaces


class TokenCall:
    """One token request under way."""

    __slots__ = ("body", "curl", "keeper", "lines", "refused", "secrets", "started", "url")

    def __init__(
        self, keeper: TokenKeeper, endpoint: Endpoint, grant: Grant, user: str | None
    ) -> None:
        self.keeper = keeper
        self.body: list[bytes] = []
        self.lines: list[bytes] = []
        self.refused: list[str] = []
        self.started = monotonic()
        self.url = grant.token_url
        request = grant.request(user)
        self.secrets = request.secrets
        connecting = endpoint.connect_timeout_ms + endpoint.tls_timeout_ms
        self.curl = curl = handle.new(connecting, endpoint.total_timeout_ms)
        curl.call = self
        for option, value in (
            (pycurl.URL, self.url),
            (pycurl.POST, 1),
            # an assertion must not go out twice, as libcurl would do on a connection gone stale
            (pycurl.FRESH_CONNECT, 1),
            (pycurl.MAXFILESIZE_LARGE, ANSWER_BYTES),
            (pycurl.HTTPHEADER, [*handle.OWN_LINES, *request.headers]),
            (pycurl.POSTFIELDS, request.body),
            (pycurl.WRITEFUNCTION, self.body.append),
            (pycurl.HEADERFUNCTION, self.lines.append),
        ):
            curl.setopt(option, value)
        endpoint.token_guard.attach(curl, self.refused, [])
        if endpoint.access is not None:
            endpoint.access.apply_to_token_hop(curl)


class TokenKeeper:
    """The token of one endpoint, or of one `user` there, and when to ask for another."""

    __slots__ = (
        "_call",
        "_endpoint",
        "_pause",
        "_problem",
        "_replaces",
        "_until",
        "_user",
        "grant",
        "token",
    )

    def __init__(self, endpoint: Endpoint, user: str | None = None) -> None:
        self.token: Token | None = None
        self._user = user
        self._call: TokenCall | None = None
        self._endpoint, self.grant = endpoint, endpoint.grant
        self._replaces = False
        self._forget_failures()

    def _forget_failures(self) -> None:
        self._pause, self._until = PAUSE_FIRST, 0.0
        self._problem = Unusable("token", "no token was asked for yet")

    def update(self, endpoint: Endpoint) -> None:
        """Take a new version of the endpoint; a token got by other settings is dropped."""
        grant = endpoint.grant
        if (grant and grant.identity) != (self.grant and self.grant.identity):
            self.token, self._call, self._replaces = None, None, False
        self._endpoint, self.grant = endpoint, grant
        self._forget_failures()

    def usable(self, now: float) -> Token | None:
        """Give the token if it still lives, and is therefore to be sent."""
        return self.token if self.token is not None and now < self.token.expires else None

    def ask(self, now: float) -> TokenCall | None:
        """Give a request that is to be made now, if any; there is one at a time."""
        if self.grant is None or self._call is not None or now < self._until:
            return None
        if self.grant.personal and self._user is None:
            return None
        if self.token is not None and now < self.token.refresh:
            return None
        try:
            self._call = TokenCall(self, self._endpoint, self.grant, self._user)
        except (pycurl.error, UnicodeError) as error:  # a host name that is not ASCII, for one
            self._problem = Unusable("token", f"libcurl refuses the token request: {error}")
            self._until = now + PAUSE_CAP
        return self._call

    def is_awaited(self, now: float) -> bool:
        """Tell whether tasks must wait for the request under way."""
        return self._call is not None and self.usable(now) is None

    def problem(self, now: float) -> Unusable | None:
        """Say why there is no token, if tasks can neither go nor should wait."""
        if self.grant is None or self._call is not None or self.usable(now) is not None:
            return None
        return self._problem

    def refused(self, token: Token, now: float) -> bool:
        """Take note that a call with `token` was answered 401; gives whether to repeat it."""
        if token is not self.token:
            return True
        if token.replaces and now - token.obtained < FRESH:
            return False
        self.token, self._replaces = None, True
        return True

    def abandon(self) -> None:
        """Forget the request under way."""
        self._call = None

    def settle(self, call: TokenCall, code: int, message: str) -> None:
        """Take in the end of a request; `code` and `message` are libcurl's, 0 if all went well."""
        if call is not self._call or self.grant is None:
            return
        self._call = None
        if code:
            kind = outcome.KINDS.get(code, "protocol")
            self._fail(call, "; ".join([f"{kind}: {message}", *call.refused]))
            return
        status = call.curl.getinfo(pycurl.RESPONSE_CODE)
        try:
            value, life = self.grant.read(status, b"".join(call.body))
        except Refused as refusal:
            self._fail(call, str(refusal))
            if self._user is not None and refusal.about_the_user:
                # asking again brings no other answer, and somebody is waiting for this one
                self._problem.kind = "bad_request"
            return
        self.token = Token(value, call.started, life, self._replaces)
        self._replaces = False
        self._forget_failures()

    def _fail(self, call: TokenCall, why: str) -> None:
        why = self._endpoint.hide(hide(why, _longest_first(call.secrets)))
        why = "".join(c if c.isprintable() else " " for c in why)[:MESSAGE]
        self._problem = Unusable("token", f"no token from {call.url}: {why}")
        asked = outcome.response_headers(call.lines).get("retry-after", "")
        wait = min(float(asked), PAUSE_ASKED_CAP) if asked.isdecimal() else 0.0
        self._until = monotonic() + max(self._pause, wait)
        self._pause = min(2 * self._pause, PAUSE_CAP)


class TokenDesk:
    """The token requests under way in one libcurl multi."""

    def __init__(self, multi: pycurl.CurlMulti) -> None:
        self._multi = multi
        self._asking: set[TokenCall] = set()

    def __len__(self) -> int:
        return len(self._asking)

    def holds_back(self, keeper: TokenKeeper, now: float) -> bool:
        """Ask for a token if it is time to; gives whether tasks must wait for it."""
        call = keeper.ask(now)
        if call is not None:
            self._multi.add_handle(call.curl)
            self._asking.add(call)
        return keeper.is_awaited(now)

    def finish(self, call: TokenCall, code: int, message: str) -> None:
        """Hand the end of a request to its keeper."""
        call.keeper.settle(call, code, message)
        self._multi.remove_handle(call.curl)
        self._asking.discard(call)

    def abandon(self) -> None:
        """Break off all requests: nobody waits for them any more."""
        for call in list(self._asking):
            call.keeper.abandon()
            self._multi.remove_handle(call.curl)
        self._asking.clear()


def _longest_first(secrets: Iterable[str]) -> list[str]:
    return sorted(set().union(*map(spellings, secrets)), key=len, reverse=True)

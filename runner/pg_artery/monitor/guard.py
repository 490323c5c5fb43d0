"""Who may see the page: a token where it is not on loopback, no foreign names, no foreign forms."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

COOKIE = "artery_monitor"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
OPEN_PATHS = ("/login", "/static/")


class Guard:
    """The page's doorkeeper. `token` None: whoever reaches the loopback address may look.

    A cookie holds a random session id and a mark made with a key of this process; forms carry a
    second mark of the same id. `hosts` are the names that the page answers to: a page of somebody
    else's whose name resolves to loopback is not among them.
    """

    def __init__(self, token: str | None, hosts: frozenset[str]) -> None:
        self._token = token
        self._hosts = hosts
        self._key = secrets.token_bytes(32)

    def _mark(self, purpose: str, session: str) -> str:
        return hmac.new(self._key, f"{purpose} {session}".encode(), hashlib.sha256).hexdigest()

    def session(self, request: Request) -> str | None:
        """Give the session of a request that has a good cookie."""
        session, _, mark = request.cookies.get(COOKIE, "").partition(".")
        good = hmac.compare_digest(mark, self._mark("session", session))
        return session if session and good else None

    def form_mark(self, request: Request) -> str:
        """Give what a form of this session has to carry."""
        return self._mark("form", request.state.session)

    def refuse(self, request: Request) -> Response | None:
        """Give the answer for a request that is not to be served; None for one that is."""
        if urlsplit(f"//{request.headers.get('host', '')}").hostname not in self._hosts:
            return PlainTextResponse("unknown host; see artery monitor --host\n", 421)
        if request.method == "POST" and not self._same_origin(request):
            return PlainTextResponse("a form of another site\n", 403)
        session = self.session(request)
        request.state.session = session or secrets.token_hex(16)
        request.state.fresh = session is None
        if self._token is None or session or request.url.path.startswith(OPEN_PATHS):
            return None
        if request.url.path == "/metrics":
            return self._refuse_scrape(request)
        if request.method == "GET":
            return RedirectResponse("/login", 303)
        return PlainTextResponse("not logged in\n", 401)

    def _refuse_scrape(self, request: Request) -> Response | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self.admits(token.strip()):
            request.state.fresh = False  # no session comes of it
            return None
        return PlainTextResponse(
            "the token, please: Authorization: Bearer\n", 401, {"WWW-Authenticate": "Bearer"}
        )

    def _same_origin(self, request: Request) -> bool:
        origin = request.headers.get("origin")
        return origin is None or urlsplit(origin).netloc == request.headers.get("host")

    def good_form(self, request: Request, mark: str) -> bool:
        """Tell whether a form came from a page that this session was shown."""
        return hmac.compare_digest(mark, self.form_mark(request))

    def admits(self, token: str) -> bool:
        """Tell whether it is the token."""
        return self._token is None or hmac.compare_digest(token.encode(), self._token.encode())

    def finish(self, request: Request, response: Response) -> Response:
        """Put on the headers, and the cookie where there is a new session that may look."""
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if getattr(request.state, "fresh", False) and (
            self._token is None or getattr(request.state, "admitted", False)
        ):
            session = request.state.session
            response.set_cookie(
                COOKIE,
                f"{session}.{self._mark('session', session)}",
                httponly=True,
                samesite="strict",
                secure=request.url.scheme == "https",
            )
        return response

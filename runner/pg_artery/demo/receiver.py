"""A receiver to try one's own tasks on: shows each request, answers 200, tells repeats apart.

python -m pg_artery.demo.receiver [PORT]
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import ClassVar

from pg_artery.demo.mes import Handler, Server


class Receiver(Handler):
    """Takes any path; knows nothing of what the bodies mean."""

    times: ClassVar[Counter[str]] = Counter()

    def do_POST(self) -> None:
        """Show the request and answer how often its Request-ID has come."""
        body = self._body().decode(errors="replace")
        request_id = self.headers.get("X-Request-ID", "none")
        self.times[request_id] += 1
        print(f"{self.command} {self.path}  Request-ID {request_id}\n  {body}", flush=True)
        self._answer(200, {"received": True, "times": self.times[request_id]})

    do_PUT = do_PATCH = do_DELETE = do_GET = do_POST


def main(port: int) -> None:
    """Serve on the loopback until interrupted."""
    with Server(("127.0.0.1", port), Receiver) as server:
        print(f"listening on http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    try:
        main(int((sys.argv[1:] or ["8080"])[0]))
    except OSError as error:
        sys.exit(f"{error.strerror}; give another port: python -m pg_artery.demo.receiver 8081")
    except KeyboardInterrupt:
        sys.exit(130)

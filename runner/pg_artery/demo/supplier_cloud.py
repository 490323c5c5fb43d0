"""A demo supplier cloud: takes purchase orders over real HTTP, and each version once.

python -m pg_artery.demo.supplier_cloud PORT RECORD
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any, ClassVar, TextIO

from pg_artery.demo.mes import BASE_PATH, Handler, Server


class SupplierCloud(Handler):
    """POST /po/approve, /po/change, /po/cancel; a Request-ID seen before gets its first answer."""

    record: TextIO
    _lock: ClassVar[threading.Lock] = threading.Lock()
    _answers: ClassVar[dict[str, dict[str, Any]]] = {}
    _versions: ClassVar[dict[str, int]] = {}

    def do_POST(self) -> None:
        """Take an order, a change or a cancellation."""
        body = self._body()
        at = time.time()
        request_id = self.headers.get("X-Request-ID", "")
        if not request_id or not self.path.startswith(f"{BASE_PATH}/po/"):
            self._answer(400, {"title": "no Request-ID, or no such path"})
            return
        order = json.loads(body)
        with self._lock:
            replayed = request_id in self._answers
            answer = self._answers.setdefault(request_id, self._decide(order))
            line = {"at": at, "path": self.path, "replayed": replayed, "order": order}
            self.record.write(json.dumps(line) + "\n")
            self.record.flush()
        self._answer(200, answer)

    def _decide(self, order: dict[str, Any]) -> dict[str, Any]:
        number, version = order["po_no"], order["version"]
        known = self._versions.get(number, 0)
        answer = {"po_no": number, "version": version, "status": "refused",
                  "reason": f"version {known} of {number} is here already"}  # fmt: skip
        if version > known:
            self._versions[number] = version
            answer = {"po_no": number, "version": version, "status": "acknowledged",
                      "cloud_order_no": f"C-{number}"}  # fmt: skip
        return answer


def main(port: int, record: Path) -> None:
    """Serve until killed; port 0 takes a free one. Its number goes to standard output."""
    with record.open("a") as SupplierCloud.record, Server(("127.0.0.1", port), SupplierCloud) as up:
        print(up.server_address[1], flush=True)
        up.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))

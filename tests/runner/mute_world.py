"""A world of its own whose DNS server never answers: run by `unshare -rmn`, ends a runner in it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path


def main(dsn: str) -> None:
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write("nameserver 127.0.0.1\noptions timeout:30 attempts:2\n")
    subprocess.run(["mount", "--bind", file.name, "/etc/resolv.conf"], check=True)
    Path(file.name).unlink()
    asked: set[bytes] = set()
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 53))

    def listen() -> None:
        while True:
            asked.add(names.recv(2000)[12:])

    threading.Thread(target=listen, daemon=True).start()
    command = [sys.executable, "-m", "pg_artery", "run", "--dsn", dsn, "--drain-timeout", "1"]
    child = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 20
    while len(asked) < 8 and time.monotonic() < deadline:
        time.sleep(0.05)
    began = time.monotonic()
    child.send_signal(signal.SIGTERM)
    code = child.wait()
    seconds = time.monotonic() - began
    assert child.stderr
    sys.stderr.write(child.stderr.read())
    json.dump({"code": code, "seconds": seconds, "asked": len(asked)}, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])

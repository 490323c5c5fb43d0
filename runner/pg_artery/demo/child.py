"""Runs a module as `python -m` does, in a process that ends when the demo is killed with -9.

python -m pg_artery.demo.child MODULE ARGUMENT…
"""

from __future__ import annotations

import contextlib
import ctypes
import runpy
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    with contextlib.suppress(OSError, AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)

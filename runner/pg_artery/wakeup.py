"""A pipe as an event: one thread waits on it together with sockets, others set it."""

from __future__ import annotations

import contextlib
import os
import select
import signal


class Wakeup:
    """An event with a descriptor. Setting it often before it is seen counts once."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def fileno(self) -> int:
        """Give the descriptor that is readable while the event is set."""
        return self._read

    def set(self) -> None:
        """Wake whoever waits, or the next one to wait; safe in a signal handler."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._write, b"x")

    def heed_signals(self) -> None:
        """Be set by every signal that has a handler, too.

        Python runs handlers between steps of the main thread alone: a signal that comes right
        before a wait begins, or to another thread, would not end it.
        """
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)

    def clear(self) -> None:
        """Forget earlier settings."""
        with contextlib.suppress(BlockingIOError):
            os.read(self._read, 65536)

    def wait(self, timeout: float, also: int | None = None) -> bool:
        """Wait until set, until `also` (a descriptor) is readable, or `timeout` seconds; clears.

        Gives whether `also` is readable, or has an end that nobody writes to any more.
        """
        poll = select.poll()
        poll.register(self._read, select.POLLIN)
        if also is not None:
            poll.register(also, select.POLLIN)
        ready = poll.poll(max(timeout, 0) * 1000)
        self.clear()
        return any(descriptor == also for descriptor, _ in ready)

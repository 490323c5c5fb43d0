"""Directories of throwaway clusters: made, guarded, and removed whatever happens to their owner.

A cluster's directory is `<tmp>/pg_artery-<uid>/c-<random>`, beside it a lock file that the owner
and its guard hold open under `flock`. The guard is this file run as a process of its own, in a
session of its own, so that neither Ctrl-C nor a signal to the owner's group reaches it: when the
owner is gone, by kill -9 too, it stops the server and removes the directory. Should the guard
die with its owner (power cut, container killed), the next run finds the lock free and sweeps.
A lock rather than a noted process id: the kernel frees it, and ids are used again.

Standard library only: the guard must start fast and from any working directory.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

SOCKET_PATH_MAX = 107 - len("/c-12345678/.s.PGSQL.65535.lock")


#: a file system in memory, and the bytes that it must have to spare to be used
MEMORY, ROOM = Path("/dev/shm"), 4 << 30  # noqa: S108  # nosec B108


def parent_dir(in_memory: bool = False) -> Path:
    """Give the directory of this user's throwaway clusters, made if need be.

    It lies in TMPDIR, or in /tmp where TMPDIR is too long for a Unix socket's path.
    :param in_memory: in memory instead, if there is room and TMPDIR is not set; a database is
        made there in a tenth of the time
    :raises PermissionError: somebody else owns a directory of that name
    """
    base = Path(tempfile.gettempdir())
    if in_memory and "TMPDIR" not in os.environ and _roomy(MEMORY):
        base = MEMORY
    name = f"pg_artery-{os.getuid()}"
    if len(str(base / name)) > SOCKET_PATH_MAX:
        base = Path("/tmp")  # noqa: S108  # nosec B108
    parent = base / name
    with contextlib.suppress(FileExistsError):
        parent.mkdir(mode=0o711)
    status = parent.lstat()
    # Anybody can make a name in /tmp: it must be ours, and nobody else may write in it.
    if parent.is_symlink() or status.st_uid != os.getuid() or status.st_mode & 0o022:
        raise PermissionError(f"{parent} is not a directory of this user alone; remove it")
    return parent


def _roomy(directory: Path) -> bool:
    return os.access(directory, os.W_OK) and shutil.disk_usage(directory).free >= ROOM


@contextlib.contextmanager
def _parent_lock(parent: Path) -> Iterator[None]:
    """Let one process at a time make or sweep directories here."""
    with (parent / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _postmaster(datadir: Path) -> int | None:
    """Give the pid of the server that runs on a data directory, None when none does.

    The pid in `postmaster.pid` may be stale and in use again: a postmaster's working directory is
    its data directory, which settles it where /proc exists.
    """
    try:
        pid = int((datadir / "postmaster.pid").read_text().splitlines()[0])
        if Path("/proc/self").exists() and Path(f"/proc/{pid}/cwd").readlink() != datadir:
            return None
        os.kill(pid, 0)
    except (OSError, ValueError, IndexError):
        return None
    return pid


def destroy(cluster: Path, grace: float = 10.0) -> None:
    """Stop the server of a cluster's directory at once, and remove the directory and its lock.

    :param cluster: a directory that `create` made
    :param grace: seconds until the server is killed outright
    """
    pid = _postmaster(cluster / "data")
    deadline = time.monotonic() + grace
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)
        while _postmaster(cluster / "data") is not None:
            if time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.01)
    # Backends that outlive a killed postmaster for a moment may still write: try until gone.
    for _ in range(50):
        shutil.rmtree(cluster, ignore_errors=True)
        if not cluster.exists():
            break
        time.sleep(0.1)
    cluster.with_name(cluster.name + ".lock").unlink(missing_ok=True)


def sweep(parent: Path, kept: bool = False) -> list[Path]:
    """Remove the clusters here whose owner and guard are both gone; the caller may race others.

    :param parent: what `parent_dir` gave
    :param kept: also remove those that were left up on purpose
    :returns: the directories removed
    """
    with _parent_lock(parent):
        return _sweep(parent, kept)


def _sweep(parent: Path, kept: bool) -> list[Path]:
    found = [lock.with_suffix("") for lock in parent.glob("c-*.lock")]
    return [path for path in found if (kept or not _kept(path).exists()) and remove(path)]


def remove(cluster: Path) -> bool:
    """Destroy a cluster that has no owner any more, kept or not; tells whether it did.

    :param cluster: a directory that `GuardedDir` made
    """
    lock = cluster.with_name(f"{cluster.name}.lock")
    if not lock.exists():
        return False
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        destroy(cluster)
        _kept(cluster).unlink(missing_ok=True)
    return True


def _kept(cluster: Path) -> Path:
    return cluster.with_name(f"{cluster.name}.kept")


class GuardedDir:
    """A directory with a server in it that goes when its owner goes.

    `path` is the directory; the caller puts the data directory at `path / "data"`.

    :param in_memory: as for `parent_dir`
    """

    def __init__(self, in_memory: bool = False) -> None:
        parent = parent_dir(in_memory)
        with _parent_lock(parent):
            _sweep(parent, kept=False)
            self.path = Path(tempfile.mkdtemp(prefix="c-", dir=parent))
            self._lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        reader, self._pipe = os.pipe()
        guard = [sys.executable, "-I", __file__, "guard", str(self.path), str(reader)]
        self._guard = subprocess.Popen(
            guard,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            pass_fds=(reader, self._lock),
            start_new_session=True,
        )
        os.close(reader)

    def close(self) -> None:
        """Stop the server, remove the directory, end the guard. A second call does nothing."""
        if self._pipe >= 0:
            destroy(self.path)
            self._release()

    def detach(self) -> None:
        """Leave the server up for good, past this process; `remove` takes it away later."""
        _kept(self.path).touch()
        os.write(self._pipe, b"k")
        self._release()

    def _release(self) -> None:
        os.close(self._pipe)
        self._pipe = -1
        self._guard.wait()
        os.close(self._lock)


def _guard(cluster: Path, pipe: int) -> None:
    """Wait until the owner is gone, then destroy; a byte through the pipe means: leave it up.

    A forked child of the owner holds the pipe open too, hence the look at our parent's id.
    """
    owner = os.getppid()
    while os.getppid() == owner:
        if select.select([pipe], [], [], 1.0)[0]:
            if os.read(pipe, 1):
                return
            break
    destroy(cluster)


def main(argv: list[str]) -> int:
    """Run `remove DIR`, or `sweep` (`--kept`: those left up on purpose too); a guard: `guard`."""
    if argv[:1] == ["guard"]:
        _guard(Path(argv[1]), int(argv[2]))
        return 0
    if argv[:1] == ["sweep"]:
        for parent in {parent_dir(), parent_dir(in_memory=True)}:
            for cluster in sweep(parent, kept="--kept" in argv):
                print(f"removed {cluster}")
        return 0
    if argv[:1] == ["remove"] and len(argv) == 2:
        return 0 if remove(Path(argv[1])) else 1
    print("usage: cluster_dir.py sweep [--kept] | remove DIR", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""End the processes that outlived the `omniyard up` which started them.

Each child carries a mark in its environment, which its own children inherit. The kernel keeps it while a process
lives, so no record can be lost, and a process id that another program has meanwhile cannot be mistaken.
"""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from router.errors import Conflict
from store.db.private_files import make_private_folder

MARK: Final = "OMNIYARD_STARTED_FOR"
# A daemon finishes its batch first after SIGTERM; after this it is killed, and its leases expire.
_PATIENCE_SECONDS: Final = 5.0


@contextmanager
def only_one(data: Path) -> Iterator[IO[str]]:
    """Hold the data folder for this process, by a lock on the file that is returned.

    The kernel releases it when the process ends, in any way.

    Raises Conflict when another `omniyard up` holds it.
    """
    make_private_folder(data)
    with (data / "up.lock").open("a+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            raise Conflict(
                f"Omniyard already runs from {data} (process {lock.read().strip() or 'unknown'}); "
                "stop that one first, or use another data folder for this one"
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield lock


def marked(data: Path) -> dict[str, str]:
    """Return the mark, as environment variables, for every process that is started for the data folder."""
    return {MARK: str(data.resolve())}


def find_leftovers(data: Path, *, but: int = 0) -> list[int]:
    """Return the processes that carry the data folder's mark, but this one and `but`. Linux only; empty elsewhere."""
    mark = f"{MARK}={data.resolve()}".encode()
    folders = (folder for folder in Path("/proc").glob("[0-9]*") if int(folder.name) not in {os.getpid(), but})
    return sorted(int(folder.name) for folder in folders if _carries(folder, mark))


def end_leftovers(data: Path, *, but: int = 0) -> int:
    """Stop what an earlier `omniyard up` left running, first by SIGTERM; return how many processes there were.

    but: a process that this `omniyard up` has started already.
    """
    found = find_leftovers(data, but=but)
    _signal(found, signal.SIGTERM)
    # A stopped process receives the signal only when it continues.
    _signal(found, signal.SIGCONT)
    end = time.monotonic() + _PATIENCE_SECONDS
    while find_leftovers(data, but=but) and time.monotonic() < end:
        time.sleep(0.05)
    _signal(find_leftovers(data, but=but), signal.SIGKILL)
    while find_leftovers(data, but=but) and time.monotonic() < end + _PATIENCE_SECONDS:
        time.sleep(0.05)
    return len(found)


def _carries(folder: Path, mark: bytes) -> bool:
    try:
        return mark in (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        # It has ended meanwhile, or belongs to another user.
        return False


def _signal(processes: list[int], signal_number: int) -> None:
    for process in processes:
        try:
            os.kill(process, signal_number)
        except ProcessLookupError:
            continue

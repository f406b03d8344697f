"""What became of the last training of the thresholds that ended without a model: for the operator, in plain words.

The file is written before the work and locked during it, so a training that is killed has left its trace.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

from router.errors import OmniyardError
from router.settings import Settings
from store.db.private_files import make_private_file, make_private_folder
from workers.answering.trained_answers import remove_drafts

_NAME: Final = "training.attempt"
_KILLED: Final = "it was ended before it was done: killed, or out of memory"
_UNREADABLE: Final = "it could not write down why: is the disk full?"


@dataclass(frozen=True, slots=True)
class LastAttempt:
    """A training without a result. at: its start, UTC; None if not even that was written.  why: it ended."""

    at: datetime | None
    why: str
    is_running: bool

    @property
    def sentence(self) -> str:
        """What an operator reads."""
        when = f" of {self.at:%Y-%m-%d %H:%M} UTC" if self.at else ""
        return f"the training{when} is running" if self.is_running else f"the training{when} failed: {self.why}"


@contextmanager
def attempt(settings: Settings) -> Iterator[None]:
    """Keep why the training inside fails, also if this process is killed; one at a time, another one waits."""
    make_private_folder(_file(settings).parent)
    make_private_file(_file(settings))
    with _file(settings).open("r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        remove_drafts(_file(settings).parent)
        at = datetime.now(UTC)
        _write(file, at=at, why=_KILLED)
        try:
            yield
        except (OmniyardError, OSError) as error:
            _write(file, at=at, why=str(error))
            raise
        except Exception as error:
            # Its words may repeat what customers wrote.
            _write(file, at=at, why=type(error).__name__)
            raise
        _file(settings).unlink(missing_ok=True)


def last_attempt(settings: Settings) -> LastAttempt | None:
    """Return the last training if it ended without a model, or is running; None if none was tried since the last."""
    try:
        with _file(settings).open(encoding="utf-8") as file:
            is_running = _is_locked(file)
            said = json.load(file)
            return LastAttempt(datetime.fromisoformat(said["at"]), str(said["why"]), is_running)
    except OSError:
        return None
    except (ValueError, KeyError, TypeError):
        return LastAttempt(None, _UNREADABLE, is_running=False)


def _file(settings: Settings) -> Path:
    return Path(settings.omniyard.data) / "models" / "answers" / _NAME


def _write(file: IO[str], *, at: datetime, why: str) -> None:
    # On a full disk the training itself says so, and the empty file does.
    with suppress(OSError):
        file.seek(0)
        file.truncate()
        json.dump({"at": at.isoformat(), "why": why}, file)
        file.flush()
        os.fsync(file.fileno())


def _is_locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(file, fcntl.LOCK_UN)
    return False

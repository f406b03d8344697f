"""Fetch the files of messages that came as references: a companion with a thread of its own, because hosts are slow.

The message is on disk before, with its waiting files; what fails is tried again for a day, and a process that dies
leaves its files to the next one. The address is judged like that of a webhook (`connectors.safe_http`).
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog

from connectors.json_messages import sniff
from connectors.originals import pack
from connectors.registry import file_request
from connectors.registry_row import FileRequest
from connectors.safe_http import Forbidden, HttpAnswer, TooLarge, fetch
from router.backoff import Backoff
from router.errors import OmniyardError, PermanentError, TransientError
from router.settings import Settings
from store.db.engine import Database
from store.inbound import fetched_files
from store.inbound.fetched_files import WaitingFile
from workers.runtime.failpoints import reach

# For one file, from the first byte to the last.
_SECONDS: Final = 15.0
# Files of one claim; they are fetched one after the other.
_AT_ONCE: Final = 4
# Longer than all files of a claim may take.
_LEASE: Final = timedelta(seconds=90)
# 10 s, 30 s, 90 s ...: a provider's file may come later than its message; after a day it will not come.
_BETWEEN: Final = Backoff(first=timedelta(seconds=10), longest=timedelta(hours=2), growth=3, spread=0.2)
MOST_ATTEMPTS: Final = 18
# A recording may be announced before it can be fetched: 404 is believed after some minutes.
_MOST_NOT_FOUND: Final = 6
_PERIOD_SECONDS: Final = 2.0
_AFTER_TROUBLE_SECONDS: Final = 10.0

_log = structlog.get_logger()


class UnfetchableFile(PermanentError):
    """The file can never be fetched. code: why; the desk has the words for it."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


# What the desk says of a file that is not here: `file_` and this (`api.text.subjects.gate_phrases`).
_CODES: Final[tuple[tuple[type[OmniyardError], str], ...]] = ((Forbidden, "forbidden"), (TooLarge, "large"))


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one attempt brought. content: None if it failed.  gone: no attempt can bring it.  why: for the log.

    code: why, for the desk; see `_CODES`.
    """

    content: bytes | None
    why: str = ""
    gone: bool = False
    code: str = "unreached"


class FileFetcher:
    """Fetches waiting files from `start` to `stop`; several workers may do it at the same time."""

    def __init__(self, database: Database, settings: Settings, *, seconds: float = _SECONDS) -> None:
        self._database, self._settings, self._seconds = database, settings, seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="files", daemon=True)

    def start(self) -> None:
        """Start to fetch."""
        self._thread.start()

    def stop(self, *, seconds: float) -> None:
        """Finish the file that is being fetched."""
        self._stopped.set()
        self._thread.join(seconds)

    def once(self) -> int:
        """Fetch some files; return how many were tried."""
        with self._database.write() as connection:
            files = fetched_files.claim_files(connection, limit=_AT_ONCE, lease=_LEASE)
        if files:
            reach("file.claimed")
        for file in files:
            outcome = self._fetch(file)
            reach("file.fetched")
            self._settle(file, outcome)
            reach("file.kept")
        return len(files)

    def _fetch(self, file: WaitingFile) -> _Outcome:
        try:
            request = self._request(file)
            answer = fetch(
                request.url,
                largest=request.largest,
                headers=request.headers,
                allow_private=request.allow_private,
                seconds=self._seconds,
                onward=request.onward,
            )
            return _Outcome(_content(answer, file, json_is_refusal=request.json_is_refusal))
        except TransientError as error:
            gone = file.attempts >= MOST_ATTEMPTS
            return _Outcome(None, str(error), gone=gone)
        except UnfetchableFile as error:
            return _Outcome(None, str(error), gone=True, code=error.code)
        except OmniyardError as error:
            code = next((code for kind, code in _CODES if isinstance(error, kind)), "unreached")
            return _Outcome(None, str(error), gone=True, code=code)

    def _request(self, file: WaitingFile) -> FileRequest:
        channel = self._settings.channels.get(file.channel)
        request = file_request(channel, file.url) if channel else None
        if request is None:
            raise UnfetchableFile("its channel is not configured any more", code="unreached")
        return request

    def _settle(self, file: WaitingFile, outcome: _Outcome) -> None:
        content = outcome.content
        with self._database.write() as connection:
            if content is not None:
                fetched_files.keep_file(
                    connection,
                    file.id,
                    packed=pack(content),
                    size=len(content),
                    sha256=hashlib.sha256(content).hexdigest(),
                    media_type=sniff(content),
                )
            elif outcome.gone:
                fetched_files.give_up_file(connection, file.id, why=outcome.code)
            else:
                wait = _BETWEEN.after(file.attempts)
                fetched_files.try_file_again(connection, file.id, wait=wait, why=outcome.code)
        verdict = "fetched" if content is not None else "gone" if outcome.gone else "later"
        _log.info("file.tried", channel=file.channel, file_id=str(file.id), verdict=verdict, why=outcome.why)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._stopped.wait(self._turn())

    def _turn(self) -> float:
        """Fetch some files; return how many seconds to wait before the next."""
        try:
            return 0.0 if self.once() else _PERIOD_SECONDS
        except OmniyardError as error:
            _log.warning("files.postponed", error=str(error))
        except Exception:  # noqa: BLE001  (the thread's outer loop: whatever it was, the next pass is due)
            _log.exception("files.failed")
        return _AFTER_TROUBLE_SECONDS


def _content(answer: HttpAnswer, file: WaitingFile, *, json_is_refusal: bool) -> bytes:
    if answer.status in {400, 401, 403, 410} or (answer.status == 404 and file.attempts >= _MOST_NOT_FOUND):
        raise UnfetchableFile(f"its host refuses it ({answer.status})", code="refused")
    if answer.status != 200:
        raise TransientError(f"its host answered {answer.status}")
    if json_is_refusal and answer.body.startswith(b'{"errcode"'):
        raise UnfetchableFile("its provider refuses it", code="refused")
    if file.sha256 and hashlib.sha256(answer.body).hexdigest() != file.sha256.lower():
        raise UnfetchableFile("its bytes are not the announced ones (sha256)", code="changed")
    return answer.body

"""The FAQ of a running process: read on first use, and again within seconds when a file or a phrasing changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Final

import structlog

from router.answers.decision import AnswerBook
from router.answers.faq import Faq
from router.answers.index import AnswerIndex
from router.answers.normal_form import normal_form
from router.answers.ways import WayToAsk
from router.classify.encoder import Encoder
from router.errors import TransientError
from router.settings import Settings
from router.settings.files import find_settings
from store.db.engine import Database
from store.desk.phrasings import phrasings
from store.tables.self_service import PhrasingState
from workers.answering.faq_files import faq_folder, intents_next_to, read_faq_folder
from workers.answering.trained_answers import AnswerFolder, in_force, ways_digest

# A change is used after this many seconds at the latest.
_LOOK_SECONDS: Final = 5.0
_MOST_PHRASINGS: Final = 5_000

_log = structlog.get_logger()


class AnswerLibrary:
    """Holds the FAQ with its index; may be used by several threads.

    encoder: gives the process's encoder, None without one.  database: for approved phrasings; None for none.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        database: Database | None = None,
        encoder: Callable[[], Encoder | None] = lambda: None,
        config: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._database, self._load_encoder = settings, database, encoder
        self._config = config or find_settings(None)
        self._folder = faq_folder(self._config)
        self._clock, self._lock = clock, Lock()
        self._looked_at = self._texts_at = -_LOOK_SECONDS - 1
        self._texts = Faq({})
        self._stamp: object = None
        self._book: AnswerBook | None = None

    @property
    def faq(self) -> Faq:
        """The answers in force, with the problems of broken files; needs no index, and so no encoder."""
        if self._book:
            return self.book().faq
        if self._clock() - self._texts_at >= _LOOK_SECONDS:
            self._texts = read_faq_folder(self._folder, before=self._texts)
            self._texts_at = self._clock()
        return self._texts

    @property
    def is_quick(self) -> bool:
        """Whether a first question is answered within seconds: the vectors of the answers are stored already."""
        return self._book is not None or AnswerFolder.has_vectors(self._settings)

    def book(self) -> AnswerBook:
        """Return the FAQ with its index; look for changes every few seconds."""
        if self._book and self._clock() - self._looked_at < _LOOK_SECONDS:
            return self._book
        with self._lock:
            stamp = self._stamps()
            if self._book is None or stamp != self._stamp:
                self._book = self._read()
                # Now the encoder is known, and with it the file of the thresholds.
                self._stamp = self._stamps()
            self._looked_at = self._clock()
            return self._book

    def _stamps(self) -> object:
        files = sorted((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in self._folder.glob("*.md"))
        stored = self._answer_folder(self._encoder).stamp() if self._book else 0
        return files, stored, self._phrasings(), self._kept(PhrasingState.PROPOSED)

    @property
    def _encoder(self) -> Encoder | None:
        return self._load_encoder()

    def _answer_folder(self, encoder: Encoder | None) -> AnswerFolder:
        return AnswerFolder(self._settings, encoder=encoder.name if encoder else "")

    def _phrasings(self) -> tuple[tuple[str, str], ...]:
        return self._kept(PhrasingState.APPROVED)

    def _kept(self, state: PhrasingState) -> tuple[tuple[str, str], ...]:
        if self._database is None:
            return ()
        try:
            with self._database.read() as connection:
                found = phrasings(connection, state=state, limit=_MOST_PHRASINGS)
        except TransientError:
            return ()
        return tuple((each.answer, each.text) for each in found)

    def _doubted(self) -> frozenset[str]:
        """Return the texts of the open proposals: an agent said that their answer was wrong."""
        return frozenset(normal_form(text) for _, text in self._kept(PhrasingState.PROPOSED))

    def _read(self) -> AnswerBook:
        faq = read_faq_folder(self._folder, before=self._book.faq if self._book else None)
        for problem in faq.problems:
            _log.warning("answers.unreadable", problem=problem)
        ways = self._ways(faq)
        encoder = self._encoder
        stored = self._answer_folder(encoder)
        vectors = stored.vectors(ways) if encoder else None
        index = AnswerIndex(ways, evidence=faq.evidence(), encoder=encoder, vectors=vectors)
        if vectors is None:
            stored.keep_vectors(index)
        trained = in_force(stored.trained(), answers=index.answers)
        version = ways_digest(ways)
        _log.info("answers.taken", version=version, answers=len(faq.texts), ways=len(ways), trained=trained is not None)
        return AnswerBook(faq, index=index, model=trained, version=version, doubted=self._doubted())

    def _ways(self, faq: Faq) -> list[WayToAsk]:
        ways = faq.ways(intents_next_to(self._config, self._settings))
        approved = (pair for pair in self._phrasings() if pair[0] in faq.texts)
        return ways + [WayToAsk(answer, text, group=f"phrasing/{text}") for answer, text in approved]

"""The trained thresholds and the stored vectors of the FAQ, in `models/answers` of the desk's data folder.

The encoder's name is part of each file's name: vectors of another encoder are never read.
"""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import TypeAdapter, ValidationError

from router.answers.index import AnswerIndex
from router.answers.trainer import AnswerModel
from router.answers.ways import WayToAsk
from router.classify.ngram_head import Floats
from router.settings import Settings
from store.db.private_files import make_private_folder

_WITHOUT: Final = "words"


@dataclass(frozen=True, slots=True)
class TrainedAnswers:
    """A trained model. answers: those that took part; another one is at most offered.  digest: of their ways to ask."""

    model: AnswerModel
    answers: tuple[str, ...]
    digest: str
    trained_at: datetime


_ADAPTER: Final = TypeAdapter(TrainedAnswers)


def ways_digest(ways: Sequence[WayToAsk]) -> str:
    """Return the digest of ways to ask; equal ways have equal vectors."""
    written = "\n".join(f"{way.answer}\t{way.text}" for way in ways)
    return hashlib.blake2b(written.encode(), digest_size=8).hexdigest()


class AnswerFolder:
    """The files of one desk on this machine. encoder: its name; empty without one."""

    def __init__(self, settings: Settings, *, encoder: str) -> None:
        self._path = Path(settings.omniyard.data) / "models" / "answers"
        self._name = encoder or _WITHOUT

    @staticmethod
    def has_vectors(settings: Settings) -> bool:
        """Return whether vectors of any encoder are stored."""
        return any((Path(settings.omniyard.data) / "models" / "answers").glob("*.npy"))

    @staticmethod
    def all_trained(settings: Settings) -> list[TrainedAnswers]:
        """Return the stored models of all encoders; each encoder has its own."""
        files = (Path(settings.omniyard.data) / "models" / "answers").glob("*.json")
        return [trained for file in sorted(files) if (trained := _read(file))]

    def stamp(self) -> int:
        """Return a number that changes when another model is stored; 0 without one."""
        try:
            return self._model_file.stat().st_mtime_ns
        except OSError:
            return 0

    def trained(self) -> TrainedAnswers | None:
        """Return the trained model; None if there is none, or none that can be read."""
        return _read(self._model_file)

    def keep(self, trained: TrainedAnswers) -> None:
        """Put a trained model in force."""
        self._write(self._model_file, _ADAPTER.dump_json(trained, indent=1))

    def vectors(self, ways: Sequence[WayToAsk]) -> Floats | None:
        """Return the stored vectors of exactly these ways; None if there are none."""
        try:
            found = np.load(self._vector_file(ways), allow_pickle=False)
        except (OSError, ValueError):
            return None
        fits = found.ndim == 2 and len(found) == len(ways) and found.dtype == np.float32
        return found if fits else None

    def keep_vectors(self, index: AnswerIndex) -> None:
        """Store an index's vectors in place of older ones; a full disk only costs time at the next start."""
        if index.vectors is None:
            return
        file, content = self._vector_file(index.ways), io.BytesIO()
        np.save(content, index.vectors, allow_pickle=False)
        try:
            self._write(file, content.getvalue())
            for other in self._path.glob(f"{self._name}-*.npy"):
                if other != file:
                    other.unlink(missing_ok=True)
        except OSError:
            return

    @property
    def _model_file(self) -> Path:
        return self._path / f"{self._name}.json"

    def _vector_file(self, ways: Sequence[WayToAsk]) -> Path:
        return self._path / f"{self._name}-{ways_digest(ways)}.npy"

    def _write(self, file: Path, content: bytes) -> None:
        make_private_folder(self._path)
        draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}.part")
        try:
            with draft.open("wb") as opened:
                opened.write(content)
                opened.flush()
                os.fsync(opened.fileno())
            draft.replace(file)
        finally:
            draft.unlink(missing_ok=True)


def remove_drafts(folder: Path) -> None:
    """Remove what killed trainings left half written; nothing reads it."""
    for draft in folder.glob("*.part"):
        draft.unlink(missing_ok=True)


def _read(file: Path) -> TrainedAnswers | None:
    try:
        return _ADAPTER.validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def in_force(trained: TrainedAnswers | None, *, answers: Sequence[str]) -> AnswerModel | None:
    """Return the model as it holds for today's answers: one that took no part in the training is at most offered."""
    if trained is None:
        return None
    new = frozenset(answers) - frozenset(trained.answers)
    return replace(trained.model, thin=trained.model.thin | new)

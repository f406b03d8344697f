"""Train models on the operator's examples and agents' corrections, and load the model in force in every process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import structlog

from router.classify import Classification, build_classifier
from router.errors import OmniyardError
from router.settings import Settings
from workers.training.lessons import TrainingSet
from workers.training.model_store import ModelFolder, StoredModel
from workers.training.shipped import shipped_folder, shipped_model

if TYPE_CHECKING:
    from router.classify.array_file import MappedArrays
    from router.classify.encoder import Encoder, SentenceEncoder
    from router.classify.model import Model
    from router.classify.trainer import TrainingExample

# From so many texts on, a desk's own and its agents' together, a model learns what is not for us.
FEWEST_FOREIGN: Final = 20

_log = structlog.get_logger()


def learn(
    folder: ModelFolder, lessons: TrainingSet, *, corrections: Sequence[TrainingExample] = ()
) -> tuple[Model, StoredModel]:
    """Train a model and store it; this does not put it in force.

    corrections: texts that agents moved to another category, judged or marked as not for us; those of removed
    categories are left out, and what is not for us where there are fewer than `FEWEST_FOREIGN`.
    Raises ConfigError if there are too few examples.
    """
    from router.classify.encoder import load_encoder  # noqa: PLC0415  (numpy, only to train or classify)
    from router.classify.model import FOREIGN, LOOKALIKE  # noqa: PLC0415
    from router.classify.trainer import train  # noqa: PLC0415

    known = {one.category for one in lessons.examples if one.category}
    foreign = (FOREIGN.category, FOREIGN.intent)
    count = sum((one.category, one.intent) == foreign for one in (*lessons.examples, *corrections))
    # Of a few texts a class of their own would weigh as much as a category, and take what belongs to one.
    of_none = {(LOOKALIKE.category, LOOKALIKE.intent), *((foreign,) if count >= FEWEST_FOREIGN else ())}
    taught = [one for one in corrections if one.category in known or (one.category, one.intent) in of_none]
    model = train([*lessons.examples, *taught], encoder=load_encoder(), danger=lessons.danger)
    about = StoredModel(
        version=model.version,
        desk=lessons.desk,
        trained_at=datetime.now(UTC),
        examples=len(lessons.examples),
        corrections=len(taught),
        encoder=model.encoder,
        report=dict(model.report),
    )
    folder.keep(model, about=about)
    return model, about


def encoder_of(settings: Settings) -> SentenceEncoder | None:
    """Return the encoder, loaded on first use; all processes share it in a file next to the models."""
    from router.classify.encoder import load_encoder  # noqa: PLC0415  (numpy, only to train or classify)

    return load_encoder(shared_in=ModelFolder.of(settings).path)


class LearntClassifier:
    """The classifier of a running process: it loads the model in force, and reloads when that changes."""

    def __init__(self, settings: Settings, *, at_once: bool = False) -> None:
        """Load the model in force; before any is, the shipped one, if it knows this desk's categories.

        at_once: load the encoder with the model, which takes two seconds the first time; else the first text that needs
        it waits.
        """
        self._settings, self._folder, self._at_once = settings, ModelFolder.of(settings), at_once
        self._encoder: SentenceEncoder | None = None
        self._mapped: MappedArrays | None = None
        self._is_idle = True
        self._stamp = self._folder.stamp()
        self._version = ""
        self._now = build_classifier(settings)
        self._take()

    def classify_batch(self, texts: Sequence[str], *, masked: Sequence[str] | None = None) -> list[Classification]:
        """See `Classifier`."""
        self._is_idle = False
        return self._now.classify_batch(texts, masked=masked)

    def once(self) -> int:
        """Load the model in force if it has changed, and release the memory of an idle one. A chore of the sweep."""
        self._release_idle()
        stamp = self._folder.stamp()
        if stamp != self._stamp:
            self._stamp = stamp
            self._take()
        return 0

    def _release_idle(self) -> None:
        """Release what no text has needed since the last call; the next text maps the files' pages again."""
        if self._encoder:
            self._encoder.release_idle()
        if self._mapped and self._is_idle:
            self._mapped.release()
        self._is_idle = True

    def encoder(self) -> Encoder | None:
        """Return the encoder of this process, loaded on the first call; None if its package is absent."""
        if self._encoder is None:
            self._encoder = encoder_of(self._settings)
        return self._encoder

    def _take(self) -> None:
        choice = self._folder.in_force()
        if choice is not None and (choice.version == self._version or self._takes(self._folder, choice.version)):
            return
        shipped = shipped_model(self._settings) if not self._version else None
        if shipped:
            self._takes(shipped_folder(), shipped.version)

    def _takes(self, folder: ModelFolder, version: str) -> bool:
        try:
            # One assignment replaces the classifier: the current batch keeps the one with which it began.
            model, mapped = folder.load_shared(version, shared_in=self._folder.path)
            self._now = build_classifier(self._settings, model=model, encoder=self._encoder_for(model))
        except OmniyardError as error:
            _log.warning("model.refused", version=version, error=str(error))
            return False
        self._version, self._mapped = version, mapped
        _log.info("model.taken", version=version)
        return True

    def _encoder_for(self, model: Model) -> Encoder | None:
        """Return the only encoder of this process; all models share it."""
        if model.encoder is None:
            return None
        if self._encoder is None:
            self._encoder = encoder_of(self._settings)
            if self._encoder and self._at_once:
                self._read(self._encoder)
        return self._encoder

    def _read(self, encoder: Encoder) -> None:
        try:
            encoder.encode(["."])
        except (OSError, ValueError, MemoryError) as error:
            # Keywords and n-grams work without it.
            _log.warning("encoder.unreadable", error=type(error).__name__)
            self._encoder = None

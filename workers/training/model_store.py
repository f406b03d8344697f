"""Trained models on disk: one file per version, and a small file that names the model in force and the time of choice.

A file is written under another name and renamed, so it is complete or absent. A failed write changes nothing.
"""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from router.errors import Conflict, NotFound, PermanentError
from router.settings import Settings
from store.db.private_files import make_private_folder

if TYPE_CHECKING:
    # A desk with keywords only must not load numpy.
    from router.classify.array_file import MappedArrays
    from router.classify.model import Model

_IN_FORCE: Final = "active.json"
# How many earlier choices are kept for a roll-back.
_REMEMBERED: Final = 20


class StoredModel(BaseModel):
    """The description of a model, readable without the model itself.

    desk: digest of the operator's examples in the training.  corrections: how many of agents' corrections it used too.
    report: measurements on held-out rows (`router.classify.trainer.train`).
    """

    model_config = ConfigDict(frozen=True)

    version: str
    desk: str
    trained_at: datetime
    examples: int
    corrections: int
    encoder: str | None
    report: dict[str, JsonValue]


class ModelChoice(BaseModel):
    """A model that was put in force. desk: digest of the operator's examples at that moment."""

    model_config = ConfigDict(frozen=True)

    version: str
    desk: str
    at: datetime


def files_of_examples(config: Path) -> list[Path]:
    """Return the operator's files that a model learns from, next to the configuration."""
    folder = config.parent
    return [
        config,
        folder / "danger.toml",
        *(folder / "intents").glob("*.toml"),
        *(folder / "negatives").glob("*.toml"),
    ]


def touched_since(config: Path, at: datetime) -> bool:
    """Return whether any file of examples was written, or put there, since then: a cheap sign that they may differ."""
    facts = (path.stat() for path in files_of_examples(config) if path.exists())
    return any(max(fact.st_mtime, fact.st_ctime) > at.timestamp() for fact in facts)


class _Choices(BaseModel):
    choices: tuple[ModelChoice, ...] = ()


class ModelFolder:
    """The models of a desk on this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, settings: Settings) -> ModelFolder:
        """Return the desk's folder; it may not exist yet."""
        return cls(Path(settings.omniyard.data) / "models")

    def keep(self, model: Model, *, about: StoredModel) -> None:
        """Write a model and its description; two models of one version are equal."""
        from router.classify.model_file import to_bytes  # noqa: PLC0415  (numpy, see the top)

        make_private_folder(self.path)
        # Write the description last: a model without one is not listed.
        _write(self._file(model.version), to_bytes(model))
        _write(self._about(model.version), about.model_dump_json(indent=1).encode())

    def remove(self, version: str) -> None:
        """Delete a model; its description first, so that it is never listed without its file."""
        self._about(version).unlink(missing_ok=True)
        self._file(version).unlink(missing_ok=True)

    def models(self) -> list[StoredModel]:
        """Return the models, oldest first."""
        found = [self._read(path) for path in self.path.glob("*.json") if path.name != _IN_FORCE]
        return sorted((each for each in found if each), key=lambda each: (each.trained_at, each.version))

    def find(self, version: str) -> StoredModel:
        """Return one model by its version or the beginning of its version.

        Raises NotFound if there is none, Conflict if there are several.
        """
        fitting = [each for each in self.models() if version and each.version.startswith(version)]
        if not fitting:
            raise NotFound(f'there is no model "{version}" in {self.path}; `omniyard model list` shows them')
        if len(fitting) > 1:
            raise Conflict(f'"{version}" is the beginning of {len(fitting)} versions; give more characters')
        return fitting[0]

    def load(self, version: str) -> Model:
        """Return a model.

        Raises PermanentError if its file is absent or cannot be read as one.
        """
        from router.classify.model_file import from_bytes  # noqa: PLC0415  (numpy, see the top)

        return from_bytes(self._content(version))

    def load_shared(self, version: str, *, shared_in: Path) -> tuple[Model, MappedArrays | None]:
        """Return a model whose weights all processes share, and what releases their memory: see `map_model`.

        shared_in: the folder of the shared file.
        Raises PermanentError like `load`.
        """
        from router.classify.model_file import map_model  # noqa: PLC0415  (numpy, see the top)

        return map_model(self._content(version), shared_in=shared_in)

    def in_force(self) -> ModelChoice | None:
        """Return the choice that holds now."""
        choices = self._choices()
        return choices[-1] if choices else None

    def activate(self, version: str, *, desk: str, at: datetime) -> ModelChoice:
        """Put a model in force, after a test load: an unreadable model changes nothing."""
        self.load(version)
        choice = ModelChoice(version=version, desk=desk, at=at)
        if (now := self.in_force()) is None or (now.version, now.desk) != (version, desk):
            self._remember((*self._choices(), choice)[-_REMEMBERED:])
        return choice

    def roll_back(self, *, desk: str, at: datetime) -> ModelChoice:
        """Put the previous model in force.

        Raises NotFound if there was none.
        """
        choices = self._choices()
        now = choices[-1].version if choices else ""
        before = [at for at, choice in enumerate(choices) if choice.version != now]
        if not before:
            raise NotFound("there is no earlier model to roll back to")
        kept = choices[: before[-1]]
        version = choices[before[-1]].version
        self.load(version)
        choice = ModelChoice(version=version, desk=desk, at=at)
        self._remember((*kept, choice))
        return choice

    def stamp(self) -> tuple[int, int]:
        """Return a value that changes with the choice, with one file-system call."""
        try:
            about = (self.path / _IN_FORCE).stat()
        except OSError:
            return (0, 0)
        return (about.st_mtime_ns, about.st_ino)

    def _choices(self) -> tuple[ModelChoice, ...]:
        try:
            return _Choices.model_validate_json((self.path / _IN_FORCE).read_bytes()).choices
        except (OSError, ValidationError):
            # An unreadable file counts as no choice: keywords decide until an operator activates a model.
            return ()

    def _remember(self, choices: tuple[ModelChoice, ...]) -> None:
        _write(self.path / _IN_FORCE, _Choices(choices=choices).model_dump_json(indent=1).encode())

    def _file(self, version: str) -> Path:
        return self.path / f"{version}.npz"

    def _content(self, version: str) -> bytes:
        try:
            return self._file(version).read_bytes()
        except OSError as error:
            raise PermanentError(f"{self._file(version)}: cannot be read: {error.strerror}") from error

    def _about(self, version: str) -> Path:
        return self.path / f"{version}.json"

    def _read(self, path: Path) -> StoredModel | None:
        try:
            return StoredModel.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            return None


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)

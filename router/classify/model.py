"""A trained model as a value, with its version and its file format."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue, TypeAdapter

from router.classify.calibration import Calibration
from router.classify.embedding_head import MeaningHead
from router.classify.ngram_head import Floats, GramHead, Vocabulary
from router.errors import PermanentError

# Increase it with every change that misreads older bytes, or trains another model from equal examples.
FORMAT: Final = 2


@dataclass(frozen=True, slots=True)
class Label:
    """A class of the heads: a sub-intent of a category; the intent is empty for the category's plain examples."""

    category: str
    intent: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """The result of training. report: its measurements on held-out rows, as JSON."""

    version: str
    labels: tuple[Label, ...]
    gram_head: GramHead
    meaning_head: MeaningHead | None
    encoder: str | None
    calibration: Calibration
    report: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def categories(self) -> tuple[str, ...]:
        """The labels' categories, each once, in the labels' order."""
        return tuple(dict.fromkeys(label.category for label in self.labels))

    def members(self) -> Floats:
        """Return a matrix of labels by categories, 1 where the label belongs to the category."""
        return membership(self.labels)


@dataclass(frozen=True, slots=True)
class _Header:
    format: int
    version: str
    labels: list[tuple[str, str]]
    encoder: str | None
    calibration: Calibration
    report: dict[str, JsonValue]


_HEADER: Final = TypeAdapter(_Header)


def membership(labels: Sequence[Label]) -> Floats:
    """See `Model.members`."""
    categories = list(dict.fromkeys(label.category for label in labels))
    return np.eye(len(categories), dtype=np.float32)[[categories.index(label.category) for label in labels]]


def version_of(rows: Sequence[tuple[str, str, str]], *, encoder: str | None) -> str:
    """Return 12 hex digits that are equal for equal examples, encoder and format."""
    content = json.dumps([FORMAT, encoder, sorted(rows)], ensure_ascii=False)
    return hashlib.blake2b(content.encode(), digest_size=6).hexdigest()


def to_bytes(model: Model) -> bytes:
    """Write a model; weights keep eleven bits, which changes less than one answer in a thousand."""
    arrays: dict[str, NDArray[np.generic]] = {
        "buckets": model.gram_head.vocabulary.buckets.astype(np.uint32),
        "rarity": model.gram_head.vocabulary.rarity.astype(np.float16),
        "weights": model.gram_head.weights.astype(np.float16),
        "bias": model.gram_head.bias,
    }
    if model.meaning_head:
        arrays["middle"] = model.meaning_head.middle
        arrays["centres"] = model.meaning_head.centres.astype(np.float16)
        arrays["coefficients"] = model.meaning_head.coefficients.astype(np.float16)
    labels = [(label.category, label.intent) for label in model.labels]
    header = _Header(FORMAT, model.version, labels, model.encoder, model.calibration, dict(model.report))
    arrays["header"] = np.frombuffer(_HEADER.dump_json(header), np.uint8)
    out = io.BytesIO()
    np.savez(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def from_bytes(content: bytes) -> Model:
    """Read a model that `to_bytes` wrote.

    Raises PermanentError if the bytes are not a model, or a model of another format.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = _HEADER.validate_json(arrays["header"].tobytes())
    except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise PermanentError("The file is not a model of Omniyard; train a new one.") from error
    if header.format != FORMAT:
        raise PermanentError(f"The model has format {header.format}, expected {FORMAT}; train a new one.")
    return _read(header, arrays)


def _read(header: _Header, arrays: Mapping[str, NDArray[np.generic]]) -> Model:
    wide = {name: array.astype(np.float32) for name, array in arrays.items() if name not in {"header", "buckets"}}
    vocabulary = Vocabulary(arrays["buckets"].astype(np.int64), wide["rarity"])
    return Model(
        version=header.version,
        labels=tuple(Label(*label) for label in header.labels),
        gram_head=GramHead(vocabulary, wide["weights"], wide["bias"]),
        meaning_head=_meaning(wide),
        encoder=header.encoder,
        calibration=header.calibration,
        report=header.report,
    )


def _meaning(arrays: Mapping[str, Floats]) -> MeaningHead | None:
    return MeaningHead(arrays["middle"], arrays["centres"], arrays["coefficients"]) if "middle" in arrays else None

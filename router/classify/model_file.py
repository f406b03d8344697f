"""A trained model as bytes: small enough to be shipped with the examples."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue, TypeAdapter

from router.classify.array_file import Arrays, MappedArrays, kept_arrays, remove_others
from router.classify.calibration import Calibration
from router.classify.embedding_head import MeaningHead
from router.classify.features import Ints
from router.classify.model import FORMAT, Label, Model
from router.classify.ngram_head import Floats, GramHead, Vocabulary
from router.danger.calibration import DangerBound, DangerCalibration
from router.danger.heads import GroupHead
from router.danger.model import DangerModel
from router.errors import PermanentError

# How whole numbers are used; the others as float32.
_WHOLE: Final[Mapping[str, type[np.generic]]] = {
    "header": np.uint8,
    "buckets": np.int64,
    "weights": np.int8,
    "danger_centres": np.int64,
}


@dataclass(frozen=True, slots=True)
class _DangerHeader:
    categories: list[str]
    columns: list[str]
    examples: list[str]
    ask_above: float
    bounds: list[DangerBound]


@dataclass(frozen=True, slots=True)
class _Header:
    format: int
    version: str
    labels: list[tuple[str, str]]
    encoder: str | None
    calibration: Calibration
    report: dict[str, JsonValue]
    danger: _DangerHeader | None = None


_HEADER: Final = TypeAdapter(_Header)


def to_bytes(model: Model) -> bytes:
    """Write a model. N-grams' weights keep eight bits of their n-gram's largest, the rest eleven bits."""
    arrays: dict[str, NDArray[np.generic]] = {
        "buckets": model.gram_head.vocabulary.buckets.astype(np.uint32),
        "rarity": model.gram_head.vocabulary.rarity.astype(np.float16),
        **_eight_bits(model.gram_head.rows(slice(None))),
        "bias": model.gram_head.bias,
    }
    if model.meaning_head:
        arrays["middle"] = model.meaning_head.middle
        arrays["centres"] = model.meaning_head.centres.astype(np.float16)
        arrays["coefficients"] = model.meaning_head.coefficients.astype(np.float16)
    labels = [(label.category, label.intent) for label in model.labels]
    danger = _danger_header(model.danger) if model.danger else None
    header = _Header(FORMAT, model.version, labels, model.encoder, model.calibration, dict(model.report), danger)
    if model.danger:
        arrays |= _danger_arrays(model.danger)
    arrays["header"] = np.frombuffer(_HEADER.dump_json(header), np.uint8)
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def from_bytes(content: bytes) -> Model:
    """Read a model that `to_bytes` wrote.

    Raises PermanentError if the bytes are not a model, or a model of another format.
    """
    return _model(_unpacked(content))


def map_model(content: bytes, *, shared_in: Path) -> tuple[Model, MappedArrays | None]:
    """Read a model like `from_bytes`, with its weights in a file by which the processes of a desk share them.

    The file replaces those of other models: what a process has mapped stays as it is.
    The second value releases their memory; None if the file cannot be written.
    """
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    file = shared_in / f"model-{FORMAT}-{digest}.arrays"
    arrays, mapped = kept_arrays(file, lambda: _unpacked(content))
    if mapped:
        remove_others(file, pattern="model-*.arrays")
    return _model(arrays), mapped


def _eight_bits(weights: Floats) -> dict[str, NDArray[np.generic]]:
    scale = np.maximum(np.abs(weights).max(axis=1, initial=0.0), 1e-4).astype(np.float16)
    return {"scale": scale, "weights": np.rint(weights / scale[:, None].astype(np.float32) * 127).astype(np.int8)}


def _danger_header(danger: DangerModel) -> _DangerHeader:
    return _DangerHeader(
        categories=list(danger.categories),
        columns=list(danger.groups.columns),
        examples=list(danger.examples),
        ask_above=danger.calibration.ask_above,
        bounds=list(danger.calibration.bounds),
    )


def _danger_arrays(danger: DangerModel) -> dict[str, NDArray[np.generic]]:
    return {
        "danger_weights": danger.groups.head.weights.astype(np.float16),
        "danger_bias": danger.groups.head.bias,
        "danger_first": danger.calibration.first,
        "danger_second": danger.calibration.second,
        "danger_centres": danger.centres.astype(np.uint32),
    }


def _unpacked(content: bytes) -> Arrays:
    """Return a file's arrays as a model uses them. Raises PermanentError; see `from_bytes`."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            packed = {name: archive[name] for name in archive.files}
        header = _HEADER.validate_json(packed["header"].tobytes())
        if header.format != FORMAT:
            raise PermanentError(f"The model has format {header.format}, expected {FORMAT}; train a new one.")
        arrays = {name: array.astype(_WHOLE.get(name, np.float32), copy=False) for name, array in packed.items()}
        return arrays | {"scale": arrays["scale"] / np.float32(127)}
    except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise PermanentError("The file is not a model of Omniyard; train a new one.") from error


def _model(arrays: Arrays) -> Model:
    header = _HEADER.validate_json(arrays["header"].tobytes())
    vocabulary = Vocabulary(_ints(arrays, "buckets"), _floats(arrays, "rarity"))
    weights = np.asarray(arrays["weights"], np.int8)
    return Model(
        version=header.version,
        labels=tuple(Label(*label) for label in header.labels),
        gram_head=GramHead(vocabulary, weights, _floats(arrays, "bias"), _floats(arrays, "scale")),
        meaning_head=_meaning(arrays),
        encoder=header.encoder,
        calibration=header.calibration,
        report=header.report,
        danger=_danger(header.danger, arrays) if header.danger else None,
    )


def _floats(arrays: Arrays, name: str) -> Floats:
    return np.asarray(arrays[name], np.float32)


def _ints(arrays: Arrays, name: str) -> Ints:
    return np.asarray(arrays[name], np.int64)


def _meaning(arrays: Arrays) -> MeaningHead | None:
    if "middle" not in arrays:
        return None
    return MeaningHead(*(_floats(arrays, name) for name in ("middle", "centres", "coefficients")))


def _danger(header: _DangerHeader, arrays: Arrays) -> DangerModel:
    columns = tuple(header.columns)
    vocabulary = Vocabulary(np.arange(len(columns)), np.ones(len(columns), np.float32))
    return DangerModel(
        categories=tuple(header.categories),
        groups=GroupHead(
            columns, GramHead(vocabulary, _floats(arrays, "danger_weights"), _floats(arrays, "danger_bias"))
        ),
        calibration=DangerCalibration(
            _floats(arrays, "danger_first"), _floats(arrays, "danger_second"), header.ask_above, tuple(header.bounds)
        ),
        examples=tuple(header.examples),
        centres=_ints(arrays, "danger_centres"),
    )

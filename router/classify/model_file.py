"""A trained model as bytes: small enough to be shipped beside the examples."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue, TypeAdapter

from router.classify.calibration import Calibration
from router.classify.embedding_head import MeaningHead
from router.classify.model import FORMAT, Label, Model
from router.classify.ngram_head import Floats, GramHead, Vocabulary
from router.danger.calibration import DangerBound, DangerCalibration
from router.danger.heads import GroupHead
from router.danger.model import DangerModel
from router.errors import PermanentError

_Arrays = Mapping[str, NDArray[np.generic]]
# Whole numbers: the others are read as float32.
_WHOLE: Final = frozenset({"header", "buckets", "weights", "danger_centres"})


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
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        header = _HEADER.validate_json(arrays["header"].tobytes())
    except (ValueError, KeyError, OSError, EOFError, BadZipFile) as error:
        raise PermanentError("The file is not a model of Omniyard; train a new one.") from error
    if header.format != FORMAT:
        raise PermanentError(f"The model has format {header.format}, expected {FORMAT}; train a new one.")
    return _read(header, arrays)


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


def _read(header: _Header, arrays: _Arrays) -> Model:
    wide = {name: array.astype(np.float32) for name, array in arrays.items() if name not in _WHOLE}
    vocabulary = Vocabulary(arrays["buckets"].astype(np.int64), wide["rarity"])
    scale: Floats = wide["scale"] / np.float32(127)
    return Model(
        version=header.version,
        labels=tuple(Label(*label) for label in header.labels),
        gram_head=GramHead(vocabulary, arrays["weights"].astype(np.int8, copy=False), wide["bias"], scale),
        meaning_head=_meaning(wide),
        encoder=header.encoder,
        calibration=header.calibration,
        report=header.report,
        danger=_danger(header.danger, arrays, wide) if header.danger else None,
    )


def _meaning(wide: Mapping[str, Floats]) -> MeaningHead | None:
    return MeaningHead(wide["middle"], wide["centres"], wide["coefficients"]) if "middle" in wide else None


def _danger(header: _DangerHeader, arrays: _Arrays, wide: Mapping[str, Floats]) -> DangerModel:
    columns = tuple(header.columns)
    vocabulary = Vocabulary(np.arange(len(columns)), np.ones(len(columns), np.float32))
    return DangerModel(
        categories=tuple(header.categories),
        groups=GroupHead(columns, GramHead(vocabulary, wide["danger_weights"], wide["danger_bias"])),
        calibration=DangerCalibration(
            wide["danger_first"], wide["danger_second"], header.ask_above, tuple(header.bounds)
        ),
        examples=tuple(header.examples),
        centres=arrays["danger_centres"].astype(np.int64),
    )

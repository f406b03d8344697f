"""Which model stands behind a place of the file: what its keys may be called, which of them are secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from router.settings.channels import CHANNEL_KINDS
from router.settings.findings import Place
from router.settings.model import Settings


def table_at(place: Place, *, document: Mapping[str, object]) -> type[BaseModel] | None:
    """Return the model of the table at `place` of the document; None if it is no table, or no table that we know."""
    expected: Any = Settings
    value: object = document
    for step in place:
        value = _step(value, step)
        expected = _chosen(_inside(expected, step), value)
    return expected if _is_model(expected) else None


def known_keys(place: Place, *, document: Mapping[str, object]) -> tuple[str, ...]:
    """Return what a key of the table at `place` may be called."""
    table = table_at(place, document=document)
    return tuple(table.model_fields) if table else ()


def _step(value: object, step: str | int) -> object:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, Sequence) and isinstance(step, int) and not isinstance(value, str):
        return value[step] if step < len(value) else None
    return None


def _inside(expected: Any, step: str | int) -> Any:  # noqa: ANN401  (annotations are of no common type)
    if _is_model(expected):
        field = expected.model_fields.get(step)
        return field.annotation if field else None
    origin, arguments = get_origin(expected), get_args(expected)
    if origin is dict:
        return arguments[1]
    return arguments[0] if origin is tuple else None


def _chosen(expected: Any, value: object) -> Any:  # noqa: ANN401
    while get_origin(expected) is Annotated:
        expected = get_args(expected)[0]
    if get_origin(expected) not in {Union, UnionType}:
        return expected
    choices = [choice for choice in get_args(expected) if choice is not type(None)]
    if len(choices) == 1:
        return _chosen(choices[0], value)
    kind = value.get("kind") if isinstance(value, Mapping) else None
    return CHANNEL_KINDS.get(kind) if isinstance(kind, str) else None


def _is_model(expected: Any) -> bool:  # noqa: ANN401
    return isinstance(expected, type) and issubclass(expected, BaseModel)

"""Put pydantic's errors about the operator's file into the file's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from router.settings.channels.kinds import CHANNEL_KINDS
from router.settings.findings import Finding, Place, listed, nearest, shown
from router.settings.model import Settings
from router.settings.secret import NotAReference
from router.settings.values import WrongKeys


def table_at(
    place: Place, *, document: Mapping[str, object], root: type[BaseModel] = Settings
) -> type[BaseModel] | None:
    """Return the model of the table at `place` of the document; None if it is not a known table.

    root: the model of the whole document.
    """
    expected: Any = root
    value: object = document
    for step in place:
        value = _step(value, step)
        expected = _chosen(_inside(expected, step), value)
    return expected if _is_model(expected) else None


def known_keys(place: Place, *, document: Mapping[str, object], root: type[BaseModel] = Settings) -> tuple[str, ...]:
    """Return the keys that the table at `place` may have. root: see `table_at`."""
    table = table_at(place, document=document, root=root)
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


# The expectation for pydantic's plain errors (its documentation, "Validation Errors").
_EXPECTED: Final[Mapping[str, str]] = {
    "missing": "missing, but required",
    "string_type": "expected text in quotes",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "tuple_type": 'expected a list such as ["one", "two"]',
    "dict_type": "expected a table of keys and values",
    "model_type": "expected a table of keys and values",
    "model_attributes_type": "expected a table of keys and values",
}
_LIMITS: Final[Mapping[str, tuple[str, str]]] = {
    "greater_than_equal": ("expected a number of at least {}", "ge"),
    "less_than_equal": ("expected a number of at most {}", "le"),
}


def mistakes(
    error: ValidationError, *, document: Mapping[str, object], root: type[BaseModel] = Settings
) -> list[Finding]:
    """Return the errors in the document's structure; no finding repeats a secret or the value of a wrong key.

    root: the model of the whole document.
    """
    found = error.errors(include_url=False)
    return [finding for details in found for finding in _findings(details, document=document, root=root)]


def _findings(details: ErrorDetails, *, document: Mapping[str, object], root: type[BaseModel]) -> Iterator[Finding]:
    place = _place(details["loc"])
    reason = details.get("ctx", {}).get("error")
    explain = _EXPLAINED.get(details["type"])
    if details["type"] == "extra_forbidden":
        known = known_keys(place[:-1], document=document, root=root)
        yield Finding(place=place, message=f"unknown key; {nearest(str(place[-1]), known)}")
    elif explain:
        yield explain(place, details, document)
    elif isinstance(reason, WrongKeys):
        yield from (Finding(place=(*place, key), message=message) for key, message in reason.problems)
    elif details["loc"][-1] == "[key]":
        yield Finding(place=place, message=str(reason))
    else:
        hidden = isinstance(reason, NotAReference)
        yield Finding(place=place, message=_message(details), value="" if hidden else _value(place, details))


def _place(location: Place) -> Place:
    """Return the place in the file that pydantic means: it adds the kind to a channel's path, and a mark to a key's."""
    place = location[:2] + location[3:] if location[0] == "channels" else location
    return place[:-1] if place[-1] == "[key]" else place


def _message(details: ErrorDetails) -> str:
    context = details.get("ctx", {})
    if details["type"] in _LIMITS:
        sentence, bound = _LIMITS[details["type"]]
        return sentence.format(context[bound])
    if details["type"] == "literal_error":
        return "expected " + str(context["expected"]).replace("'", '"')
    if isinstance(context.get("error"), ValueError):
        return str(context["error"])
    return _EXPECTED.get(details["type"], details["msg"])


def _value(place: Place, details: ErrorDetails) -> str:
    key = next((step for step in reversed(place) if isinstance(step, str)), "")
    # Text in the place of a table may be anything; only a value in the place of a value is repeated.
    known = details["type"] not in {"missing", "dict_type", "model_type", "model_attributes_type"}
    return shown(details["input"], key=key) if known else ""


def _unknown_kind(place: Place, details: ErrorDetails, document: Mapping[str, object]) -> Finding:
    del document
    kind: object = details["input"].get("kind")
    place = (*place, "kind")
    if kind is None:
        return Finding(place=place, message=f"missing, but required; expected {listed(CHANNEL_KINDS)}")
    hint = nearest(str(kind), CHANNEL_KINDS)
    return Finding(place=place, message=f"unknown kind of channel; {hint}", value=shown(kind))


_EXPLAINED: Final[Mapping[str, Callable[[Place, ErrorDetails, Mapping[str, object]], Finding]]] = {
    "union_tag_invalid": _unknown_kind,
    "union_tag_not_found": _unknown_kind,
}

"""The OpenAPI document, completed: the shape of errors, and examples that are true to their schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import ConfigDict

from api.http.problems import Problem, documented_alone
from api.paths import API

_REFERENCE: Final = "#/components/schemas/"

Schemas = Mapping[str, Any]


def example(value: Mapping[str, Any]) -> ConfigDict:
    """Return the configuration of a model that shows `value` as its example and is made of a row's attributes."""
    return ConfigDict(json_schema_extra={"examples": [dict(value)]}, from_attributes=True)


def operation_id(route: APIRoute) -> str:
    """Return what a generated client calls the operation: the function's name, with the noun where that says none."""
    tag = str(route.tags[0]) if route.tags else "desk"
    noun = tag.removesuffix("s")
    return route.name if noun in route.name else f"{route.name}_{noun}"


def describe(app: FastAPI) -> None:
    """Let `app.openapi` return the completed document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _complete(generate())
        return generate()

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    problem = Problem.model_json_schema(ref_template=_REFERENCE + "{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    _tell_common_refusals(document)
    _share_examples(schemas)
    for schema in schemas.values():
        if "examples" in schema:
            schema["examples"] = [_with_nulls(example, schema, schemas=schemas) for example in schema["examples"]]
    for schema in [schema for schema in schemas.values() if "examples" in schema]:
        for example in schema["examples"]:
            _hand_down(example, schema, schemas=schemas)


# What the layers around every route may answer.
_EVERYWHERE: Final = ("method-not-allowed",)
_WITH_A_BODY: Final = ("bad-request", "length-required", "too-large")


def _tell_common_refusals(document: dict[str, Any]) -> None:
    """Add what is answered before a route is asked: another method, a body without a length or not in UTF-8."""
    for address, operations in document["paths"].items():
        for operation in operations.values() if address.startswith(f"{API}/") else ():
            slugs = _EVERYWHERE + (_WITH_A_BODY if "requestBody" in operation else ())
            known = {str(status): answer for status, answer in documented_alone(*slugs).items()}
            operation["responses"] = dict(sorted((known | operation["responses"]).items()))


def _hand_down(value: object, schema: dict[str, Any], *, schemas: Schemas) -> None:
    """Give each schema inside `schema` that has no example its part of this one: values of the brain have none."""
    choices = [each for each in schema.get("anyOf", ()) if "$ref" in each]
    schema = choices[0] if choices and isinstance(value, dict) else schema
    if "$ref" in schema:
        schema = schemas[schema["$ref"].removeprefix(_REFERENCE)]
        schema.setdefault("examples", [value])
    if isinstance(value, list):
        for each in value:
            _hand_down(each, schema.get("items", {}), schemas=schemas)
    elif isinstance(value, dict):
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                _hand_down(value[name], inner, schemas=schemas)


def _share_examples(schemas: Schemas) -> None:
    """Give a schema without an example the part that shows it in the example of a schema that holds it."""
    waiting = [schema for schema in schemas.values() if "examples" in schema]
    while waiting:
        schema = waiting.pop()
        for name, value in _parts(schema["examples"][0], schema):
            if "examples" not in schemas[name] and "enum" not in schemas[name]:
                schemas[name]["examples"] = [value]
                waiting.append(schemas[name])


def _parts(value: Any, schema: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  (JSON)
    """Yield the names of the schemas that a value's parts have, with the parts."""
    if "$ref" in schema:
        yield schema["$ref"].removeprefix(_REFERENCE), value
    for choice in schema.get("anyOf", ()):
        if value is not None:
            yield from _parts(value, choice)
    if isinstance(value, list):
        yield from (part for each in value for part in _parts(each, schema.get("items", {})))
    if isinstance(value, dict):
        known = {name: inner for name, inner in schema.get("properties", {}).items() if name in value}
        yield from (part for name, inner in known.items() for part in _parts(value[name], inner))


def _with_nulls(value: Any, schema: Any, *, schemas: Schemas) -> Any:  # noqa: ANN401  (JSON)
    """Return the example with the nulls that FastAPI drops from every document."""
    choices = [each for each in schema.get("anyOf", ()) if "$ref" in each]
    schema = choices[0] if choices and value is not None else schema
    whole = schemas[schema["$ref"].removeprefix(_REFERENCE)] if "$ref" in schema else schema
    if isinstance(value, list) and "items" in whole:
        return [_with_nulls(each, whole["items"], schemas=schemas) for each in value]
    if not isinstance(value, dict) or "properties" not in whole:
        return value
    required, properties = whole.get("required", ()), whole["properties"]
    return {
        name: _with_nulls(value[name], inner, schemas=schemas) if name in value else None
        for name, inner in properties.items()
        if name in value or name in required
    }

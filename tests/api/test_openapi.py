"""The OpenAPI document: valid, complete, and every example matches its schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource

from tests.app_client import AppClient

ROOT = "urn:openapi"


@pytest.fixture
def document(anonymous: AppClient) -> dict[str, Any]:
    described: dict[str, Any] = anonymous.get("/api/v1/openapi.json").json()
    return described


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def check(document: dict[str, Any], schema: dict[str, Any], example: object) -> None:
    registry: Registry[Any] = Registry().with_resource(ROOT, Resource.opaque(document))
    absolute = _absolute(schema)
    Draft202012Validator(absolute, registry=registry).validate(example)


def _absolute(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {key: f"{ROOT}{value}" if key == "$ref" else _absolute(value) for key, value in schema.items()}
    return [_absolute(each) for each in schema] if isinstance(schema, list) else schema


def test_the_description_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_generated_clients_get_names_that_people_can_read(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))
    assert {"list_conversations", "show_conversation", "merge_contact", "list_events", "undo_action"} <= set(names)
    # Two schemas of one name are distinguished by their modules.
    assert [name for name in document["components"]["schemas"] if "__" in name] == []


def test_every_schema_has_an_example_that_fits(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        if "enum" in schema:
            continue
        assert schema.get("examples"), name
        local = {**schema, "$defs": {}}
        for example in schema["examples"]:
            check({"components": document["components"]}, local, example)


def test_every_answer_has_an_example(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            for media_type, content in answer.get("content", {}).items():
                reference = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
                shown = "example" in content or (reference and schemas[reference].get("examples"))
                assert shown, f"{name} {status} {media_type}"


def test_every_guarded_operation_says_so_and_tells_its_errors(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        if " /api/" not in name:
            continue
        assert operation["security"] == [{"token": []}], name
        for status in ("401", "403", "422", "429", "500", "503"):
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"], f"{name} {status}"
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_examples_of_problems_are_problems(document: dict[str, Any]) -> None:
    for _, operation in operations(document):
        for answer in operation["responses"].values():
            content = answer.get("content", {}).get("application/problem+json")
            if content:
                check({"components": document["components"]}, content["schema"], content["example"])
                assert content["example"]["status"] >= 400


def test_pages_are_not_part_of_the_api(document: dict[str, Any], app: FastAPI) -> None:
    assert all(path.startswith(("/api/v1/", "/healthz", "/readyz", "/metrics")) for path in document["paths"])
    assert app.openapi() is app.openapi()

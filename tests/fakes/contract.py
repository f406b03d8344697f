"""Check requests and replies against a published description (OpenAPI 3.0), with the overlay of its known defects."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator

Document = dict[str, Any]


def specs_folder() -> Path | None:
    """Return the folder of the descriptions; None if it does not exist. They are read in place, never copied."""
    default = Path(__file__).resolve().parents[3] / "shared" / "specs"
    folder = Path(os.environ.get("OMNIYARD_SPECS", default))
    return folder if folder.is_dir() else None


def load(name: str, *, overlay: Callable[[Document], None]) -> Contract | None:
    """Return the contract in a file of the descriptions' folder; None if the file does not exist."""
    folder = specs_folder()
    if folder is None:
        return None
    document = json.loads((folder / name).read_text(encoding="utf-8"))
    overlay(document)
    return Contract(document)


class Contract:
    """Raises nothing: it appends to `violations`, and the fixture that made the fake checks them."""

    def __init__(self, document: Document) -> None:
        self._components = {"components": document["components"]}
        self._paths = [
            (re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))), operations)
            for path, operations in document["paths"].items()
        ]
        self.violations: list[str] = []
        self.checked = 0

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]],
        form: Mapping[str, Any] | None,
        json_body: Any,
    ) -> None:
        """Check parameters and body of a client's request."""
        operation, captured = self._operation(method, path)
        if operation is None:
            self.violations.append(f"{method} {path}: no such operation")
            return
        self.checked += 1
        self._parameters(operation, captured, query, where=f"{method} {path}")
        content = operation.get("requestBody", {}).get("content", {})
        if "application/x-www-form-urlencoded" in content and form is not None:
            schema = content["application/x-www-form-urlencoded"]["schema"]
            self._closed(schema, form, where=f"{method} {path} form")
        elif "application/json" in content:
            self._validate(content["application/json"]["schema"], json_body, where=f"{method} {path} body")

    def reply(self, method: str, path: str, *, status: int, document: Any) -> None:
        """Check a provider's answer."""
        operation, _ = self._operation(method, path)
        if operation is None:
            return
        responses = operation["responses"]
        response = self._resolved(responses.get(str(status)) or responses.get("default") or {})
        if not response:
            self.violations.append(f"{method} {path}: no reply {status} is described")
            return
        content = response.get("content", {})
        media = content.get("application/json") or content.get("application/problem+json")
        if media:
            self._validate(media["schema"], document, where=f"{method} {path} -> {status}")

    def _operation(self, method: str, path: str) -> tuple[Document | None, dict[str, str]]:
        for pattern, operations in self._paths:
            if found := pattern.fullmatch(path):
                operation = operations.get(method.lower())
                if operation is None:
                    return None, {}
                shared = operations.get("parameters", [])
                parameters = [self._resolved(each) for each in [*shared, *operation.get("parameters", [])]]
                return operation | {"parameters": parameters}, found.groupdict()
        return None, {}

    def _resolved(self, value: Document) -> Document:
        while "$ref" in value:
            target: Any = self._components
            for step in value["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            value = target
        return value

    def _parameters(
        self, operation: Document, captured: Mapping[str, str], query: Sequence[tuple[str, str]], *, where: str
    ) -> None:
        known = {(each["in"], each["name"]): each for each in operation["parameters"]}
        given = dict(query)
        for name in given:
            if ("query", name) not in known:
                self.violations.append(f"{where}: unknown parameter {name}")
        for (place, name), parameter in known.items():
            value = captured.get(name) if place == "path" else given.get(name)
            if value is None:
                if parameter.get("required") and place != "header":
                    self.violations.append(f"{where}: parameter {name} is missing")
                continue
            self._validate(parameter["schema"], _typed(value, parameter["schema"]), where=f"{where} {name}")

    def _closed(self, schema: Document, form: Mapping[str, Any], *, where: str) -> None:
        properties = schema.get("properties", {})
        for name in form:
            if name not in properties:
                self.violations.append(f"{where}: unknown field {name}")
        typed = {name: _typed(value, properties.get(name, {})) for name, value in form.items()}
        self._validate(schema, typed, where=where)

    def _validate(self, schema: Document, value: Any, *, where: str) -> None:
        validator = OAS30Validator({**schema, **self._components})
        self.violations += [
            f"{where}: {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
            for error in validator.iter_errors(value)
        ]


def _typed(value: Any, schema: Mapping[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "integer" and isinstance(value, str) and value.lstrip("-").isdigit():
        return int(value)
    if kind == "boolean" and value in {"true", "false", "True", "False"}:
        return value.lower() == "true"
    if kind == "array" and isinstance(value, str):
        return value.split(",")
    return value

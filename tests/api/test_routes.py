"""Pages do what the API does by its functions: a route called as a function answers a request that never came."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

import api

PAGES = sorted(path for room in ("pages", "customer") for path in (Path(api.__file__).parent / room).glob("*.py"))


def endpoints(module: str) -> set[str]:
    routes = getattr(importlib.import_module(module), "routes", None)
    return {route.endpoint.__name__ for route in routes.routes if isinstance(route, APIRoute)} if routes else set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_page_calls_a_route_as_a_function(page: Path) -> None:
    tree = ast.parse(page.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("api.rest"):
            assert node.module != "api.rest", "names its functions, so that this test sees which"
            assert not {each.name for each in node.names} & endpoints(node.module)

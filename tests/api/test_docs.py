"""`docs/api.md` names every address, problem, metric and role, and nothing that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.http.permissions import Actor, Role, Verb, can
from api.http.problems import PROBLEMS
from store.db.engine import Database
from store.db.ids import new_id
from tests.app_client import AppClient
from tests.inbox_builder import Builder

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def test_every_address_is_documented(app: FastAPI) -> None:
    described = {f"{m.upper()} {path}" for path, item in app.openapi()["paths"].items() for m in item}
    assert set(re.findall(r"^\| `((?:GET|POST|PATCH|PUT|DELETE) /\S+)` \|", PAGE, re.MULTILINE)) == described


def test_every_problem_is_documented_with_its_status() -> None:
    documented = {
        slug: int(status) for slug, status in re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", PAGE, re.MULTILINE)
    }
    assert documented == {slug: status for slug, (status, _, _) in PROBLEMS.items()}


def test_every_metric_is_documented(app: FastAPI, portal: BlockingPortal, database: Database) -> None:
    with database.write() as connection:
        Builder(connection).polled("support-mail", waiting=1)
    client = AppClient(app, portal, peer="127.0.0.1", base_url="http://127.0.0.1:8080")
    client.get("/healthz")
    served = set(re.findall(r"^# TYPE (\w+) ", client.get("/metrics").text, re.MULTILINE))
    documented = set(re.findall(r"^\| `(omniyard_\w+)` \|", PAGE, re.MULTILINE))
    assert {name for name in served if not name.endswith("_created")} == documented


@pytest.mark.parametrize("verb", Verb)
def test_the_table_of_roles_is_the_one_in_force(verb: Verb) -> None:
    header = re.search(r"^\| \|( \w+ \|)+$", PAGE, re.MULTILINE)
    row = re.search(rf"^\| `{verb}` \|(.+)\|$", PAGE, re.MULTILINE)
    assert header
    assert row
    roles = [Role(cell.strip()) for cell in header.group().split("|")[2:-1]]
    said = [cell.strip() == "yes" for cell in row.group(1).split("|")]
    assert said == [can(Actor(id=new_id(), name="x", role=role), verb) for role in roles]

"""`docs/api.md` lists exactly the addresses, problems, metrics and roles that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.http.permissions import Actor, Role, Verb, can
from api.http.problems import PROBLEMS
from router.settings import Settings
from store.db.engine import Database
from store.db.ids import new_id
from store.events.append import EventKind
from tests.api.conftest import settings_in
from tests.app_client import AppClient
from tests.inbox_builder import Builder

ROOT = Path(__file__).parents[2]
# Its metric is served with a model only.
MODEL = '[answers.model]\nurl = "https://models.example"\nname = "m"\n'
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path, more=MODEL)


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


def test_every_kind_of_event_is_documented_and_written() -> None:
    section = PAGE.split("\n## Following changes\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \|", section, re.MULTILINE)
    assert sorted(kind for row in rows for kind in re.findall(r"`([a-z_.]+)`", row)) == sorted(EventKind)
    files = [file for room in ("store", "workers", "api") for file in (ROOT / room).rglob("*.py")]
    texts = [file.read_text(encoding="utf-8") for file in files]
    assert [kind for kind in EventKind if not any(f"EventKind.{kind.name}" in text for text in texts)] == []


@pytest.mark.parametrize("verb", Verb)
def test_the_table_of_roles_is_the_one_in_force(verb: Verb) -> None:
    header = re.search(r"^\| \|( \w+ \|)+$", PAGE, re.MULTILINE)
    row = re.search(rf"^\| `{verb}` \|(.+)\|$", PAGE, re.MULTILINE)
    assert header
    assert row
    roles = [Role(cell.strip()) for cell in header.group().split("|")[2:-1]]
    said = [cell.strip() == "yes" for cell in row.group(1).split("|")]
    assert said == [can(Actor(id=new_id(), name="x", role=role), verb) for role in roles]

"""The application closes what it has opened, also when something fails."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from api.app import create_app
from api.services.originals import OriginalReader
from router.settings import Settings
from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.audit import AuditAction
from store.tables.operations import AuditRow
from tests.app_client import started


@pytest.fixture
def unstarted(settings: Settings, database: Database) -> FastAPI:
    return create_app(settings, database=database)


def test_the_audit_trail_is_written_when_the_serving_ends_with_an_error(
    unstarted: FastAPI, database: Database, portal: BlockingPortal
) -> None:
    with pytest.raises(RuntimeError, match="the server failed"):
        _serve_until_it_fails(unstarted, portal)
    assert _actions(database) == [AuditAction.REQUEST_REFUSED]


def test_the_audit_trail_is_written_when_another_part_cannot_be_closed(
    unstarted: FastAPI, database: Database, portal: BlockingPortal
) -> None:
    unstarted.state.desk = replace(unstarted.state.desk, originals=_StuckReader())
    with pytest.raises(OSError, match="the child process is stuck"), started(unstarted, portal) as app:
        _note_a_refusal(app)
    assert _actions(database) == [AuditAction.REQUEST_REFUSED]


class _StuckReader(OriginalReader):
    def close(self) -> None:
        raise OSError("the child process is stuck")


def _serve_until_it_fails(unstarted: FastAPI, portal: BlockingPortal) -> None:
    with started(unstarted, portal) as app:
        _note_a_refusal(app)
        raise RuntimeError("the server failed")


def _note_a_refusal(app: FastAPI) -> None:
    app.state.desk.trail.stranger(AuditAction.REQUEST_REFUSED, claimed=None, address="203.0.113.7", why="token")


def _actions(database: Database) -> list[str]:
    with database.read() as connection:
        return list(connection.execute(sa.select(table_of(AuditRow).c.action)).scalars())

"""Measure how long the server takes for the list pages of 100,000 open conversations on SQLite.

    python -m benchmarks.list_paint --conversations 100000

The time is that of the complete answer of the application, HTML included, without a network.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import sqlalchemy as sa
import structlog
from anyio.from_thread import start_blocking_portal

from api.app import create_app
from benchmarks.shown_desk import SETTINGS
from router.settings import read_settings
from store.db.bulk import table_of
from store.db.engine import Database
from store.db.migrate import upgrade
from store.desk.agents import add_agent
from store.tables.messages import ConversationRow
from tests.app_client import AppClient
from tests.inbox_builder import NOON, fill

_TIMES: Final = 15
_PAGES: Final = (
    *("/", "/?view=mine", "/?view=unassigned", "/?view=overdue", "/?view=emergencies", "/?view=all"),
    *("/?sort=due", "/?sort=priority", "/?category=refund", "/?unread=true"),
)


def main() -> None:
    """Print the median and the slowest time of each page, in milliseconds."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=100_000)
    number = parser.parse_args().conversations
    with tempfile.TemporaryDirectory() as data, start_blocking_portal() as portal:
        database = Database.at(Path(data) / "omniyard.db")
        upgrade(database)
        fill(database, number)
        with database.write() as connection:
            connection.execute(sa.update(table_of(ConversationRow)).values(status="open"))
            token = add_agent(connection, name="Ming", role="agent")[1]
        settings = read_settings(SETTINGS.replace("FOLDER", data))
        app = create_app(settings, database=database, now=lambda: NOON)
        with portal.wrap_async_context_manager(app.router.lifespan_context(app)):
            client = AppClient(app, portal, headers={"Authorization": f"Bearer {token}", "Accept": "text/html"})
            for path in _PAGES:
                _measure(client, path)
        database.close()


def _measure(client: AppClient, path: str) -> None:
    taken = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        answer = client.get(path)
        taken.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code}")
    sys.stdout.write(f"{path:24} median {statistics.median(taken):6.0f} ms   slowest {max(taken):6.0f} ms\n")


if __name__ == "__main__":
    main()

"""Pull one channel in processes that kill themselves, again and again, then to the end. A plain module.

    python -m tests.killed_pulls FILE CHANNEL TIMES

One process with all imports forks the others, so that fifty kills take seconds. Each owns the channel, reads its cursor
and pulls until it dies: after a fetch, within the commit, or after it.
"""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from itertools import cycle
from pathlib import Path

from connectors.registry import connector_of, kind_of
from router.settings import Settings
from router.settings.files import load_settings
from store.db.engine import Database
from tests import forks
from workers.broker.doorbell import Bell
from workers.intake.intake import Intake
from workers.runtime.failpoints import reach

STEPS = ("fetch.after", "accept.before", "accept.written", "accept.after")
_SECONDS = 120


def pull_and_kill(text: str, folder: Path, *, channel: str, times: int) -> None:
    """Run this module on a configuration, whose database is in the environment as PULLED_DATABASE."""
    file = folder / "killed.toml"
    file.write_text(text, encoding="utf-8")
    done = forks.run(["-m", "tests.killed_pulls", str(file), channel, str(times)], timeout=_SECONDS)
    assert done.returncode == 0, done.stderr


def _pull(settings: Settings, channel: str) -> None:
    database = Database(os.environ["PULLED_DATABASE"])
    # A lease that ends at once: the next process need not wait for the dead one's.
    intake = Intake(database, bell=Bell(lambda: None), lease=timedelta(0))
    connector = connector_of(channel, settings.channels[channel])
    assert connector is not None
    ownership = None
    while ownership is None:
        ownership = intake.own(channel)
    cursor, more = ownership.cursor, True
    while more:
        batch = connector.fetch(cursor)
        reach("fetch.after")
        ownership.accept(batch, ownership.read(batch))
        cursor, more = batch.cursor, batch.more
    database.close()


def _forked(settings: Settings, channel: str, armed: str) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        os.environ["OMNIYARD_FAILPOINTS"] = armed
        _pull(settings, channel)
    except BaseException as error:  # noqa: BLE001  (the child must not go on as the parent)
        sys.stderr.write(f"{error!r}\n")
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Fork, be killed, repeat."""
    settings, channel, times = load_settings(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3])
    row = kind_of(settings.channels[channel])
    for part in (row.connector, row.reader):
        # Loaded once, before the forks.
        assert part
        assert part.load()
    killed = 0
    for _, step in zip(range(times), cycle(STEPS), strict=False):
        killed += _forked(settings, channel, f"{step}=kill") == -9
    assert killed == times, f"{killed} of {times} were killed"
    assert _forked(settings, channel, "") == 0


if __name__ == "__main__":
    main()

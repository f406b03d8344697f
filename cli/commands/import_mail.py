"""`omniyard import`: take in old mail from files; agents see it, and no automatic answer is sent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.desk import open_desk
from cli.terminal import ConfigOption, JsonOption, print_json
from connectors.base import Page, RawMessage
from connectors.email.mail_files import Kind, open_archive
from connectors.email.sandbox.parent import Guard
from router.errors import NotFound
from router.settings import Settings
from store.db.engine import Database
from store.inbound.accept import known_keys
from workers.broker.doorbell import Bell, broker_url
from workers.intake.intake import Intake
from workers.runtime.logs import configure_logging

_PAGE: Final = 100
# A page is held in memory and is one commit, so its messages together are at most this large.
_PAGE_BYTES: Final = 32_000_000


@dataclass(slots=True)
class Tally:
    """What an import did, or with --dry-run would do. unreadable: stored in quarantine, with the reason."""

    messages: int = 0
    known: int = 0
    imported: int = 0
    unreadable: int = 0


Keep = Callable[[Sequence[RawMessage]], None]


def import_command(
    kind: Annotated[Kind, typer.Argument(help="The format of PATH.")],
    path: Annotated[Path, typer.Argument(help="A maildir, an mbox file, or an .eml file or a folder of them.")],
    *,
    channel: Annotated[str, typer.Option(help="The channel, from the configuration, that received the mail.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read everything, count, keep nothing.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in old mail. It opens conversations like any mail, but nothing automatic is sent and no SLA clock starts.

    It may be stopped and run again at any time: mail that is already stored is recognised and skipped. Unreadable mail
    goes to quarantine with its bytes.

    Example: omniyard import mbox old-support.mbox --channel support-mail --dry-run
    """
    configure_logging("warning", stream=sys.stderr)
    archive = open_archive(kind, path)
    tally = Tally()
    with open_desk(config) as (settings, database):
        _check(settings, channel=channel)
        source = _counting(archive.read(), tally)
        try:
            if dry_run:
                _count(source, total=archive.count, tally=tally, database=database, channel=channel)
            else:
                _import(source, total=archive.count, tally=tally, database=database, settings=settings, channel=channel)
        finally:
            _report(tally, dry_run=dry_run, as_json=as_json)


def _check(settings: Settings, *, channel: str) -> None:
    if channel not in settings.channels:
        raise NotFound(f"no channel is named {channel}; there are: {', '.join(settings.channels)}")


def _import(
    source: Iterator[RawMessage],
    *,
    total: Callable[[], int],
    tally: Tally,
    database: Database,
    settings: Settings,
    channel: str,
) -> None:
    intake = Intake(database, bell=Bell(lambda: broker_url(settings)))
    try:
        for messages in _shown(_pages(source), total=total):
            accepted = intake.keep(Page(channel=channel, messages=messages, backfill=True))
            tally.known += accepted.known
            tally.imported += len(accepted.ids)
            tally.unreadable += len(messages) - accepted.known - len(accepted.ids)
    finally:
        intake.close()


def _count(
    source: Iterator[RawMessage], *, total: Callable[[], int], tally: Tally, database: Database, channel: str
) -> None:
    known: set[str] = set()
    with Guard() as guard:
        for messages in _shown(_pages(source), total=total):
            with database.read() as connection:
                known |= known_keys(connection, channel=channel, keys=[message.source_key for message in messages])
            fresh = [message for message in messages if message.source_key not in known]
            known |= {message.source_key for message in fresh}
            unreadable = sum(bool(arrival.unreadable) for arrival in guard.normalise_page(fresh, channel=channel))
            tally.known += len(messages) - len(fresh)
            tally.imported += len(fresh) - unreadable
            tally.unreadable += unreadable


def _counting(source: Iterator[RawMessage], tally: Tally) -> Iterator[RawMessage]:
    for message in source:
        tally.messages += 1
        yield message


def _pages(source: Iterator[RawMessage]) -> Iterator[list[RawMessage]]:
    page: list[RawMessage] = []
    size = 0
    for message in source:
        page.append(message)
        size += len(message.content)
        if len(page) >= _PAGE or size >= _PAGE_BYTES:
            yield page
            page, size = [], 0
    if page:
        yield page


def _shown(pages: Iterator[list[RawMessage]], *, total: Callable[[], int]) -> Iterator[list[RawMessage]]:
    """Pass the pages on and show a progress bar on standard error if it is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from pages
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("messages", total=total())
        for page in pages:
            yield page
            progress.advance(bar, len(page))


def _report(tally: Tally, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        print_json(asdict(tally) | {"dry_run": dry_run})
        return
    verb = "would be taken in" if dry_run else "taken in"
    print(f"{tally.messages} messages read: {tally.imported} {verb}, {tally.known} known already", end="")
    print(f", {tally.unreadable} unreadable (in quarantine)" if tally.unreadable else "")
    sys.stdout.flush()

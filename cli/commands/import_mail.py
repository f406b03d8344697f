"""`omniyard import`: take in old mail from files; agents see it, and no automatic answer is sent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli.desk import open_desk
from cli.terminal import ConfigOption, JsonOption, print_json
from connectors.base import Batch, RawMessage
from connectors.email.folder_roles import FolderRole
from connectors.email.mail_files import Archive, FiledMail, Remarks
from connectors.email.sandbox.parent import Guard
from router.errors import NotFound, PermanentError
from router.settings import Settings
from store.db.engine import Database
from store.inbound.accept import known_keys
from workers.broker.doorbell import Bell, broker_url
from workers.intake.intake import Intake
from workers.runtime.logs import configure_logging

# The kinds of `Archive`, which help alone does not load.
Format = Literal["maildir", "mbox", "eml"]
_BATCH: Final = 100
# A batch is held in memory and is one commit, so its messages together are at most this large.
_BATCH_BYTES: Final = 32_000_000


@dataclass(slots=True)
class Tally:
    """What an import did, or with --dry-run would do.

    messages: found in the archive, those left out included.  unreadable: stored in quarantine, with the reason.
    left_out: how many were left out, by the folder that the mail program had them in.
    refused: files that are not mail.  doubtful: lines that look like the beginning of a message and were taken as text.
    """

    messages: int = 0
    known: int = 0
    imported: int = 0
    unreadable: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    doubtful: int = 0


# Mail that no customer sent, or that was not read. It is left out unless --with names it.
_LEFT_OUT: Final = frozenset({FolderRole.DRAFTS, FolderRole.SPAM, FolderRole.TRASH})


def import_command(
    kind: Annotated[Format, typer.Argument(help="The format of PATH.")],
    path: Annotated[
        Path, typer.Argument(help="A maildir, an mbox file, or an .eml or .emlx file or a folder of them.")
    ],
    *,
    channel: Annotated[str, typer.Option(help="The channel, from the configuration, that received the mail.")],
    wanted: Annotated[
        list[FolderRole] | None,
        typer.Option("--with", help="Take drafts, spam or trash as well; may be given several times."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read everything, count, keep nothing.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in old mail. It opens conversations like any mail, but nothing automatic is sent and no SLA clock starts.

    It may be stopped and run again at any time: mail that is already stored is recognised and skipped. Unreadable mail
    goes to quarantine with its bytes. What the mail program had as spam, draft or trash is left out, unless --with
    names it: a maildir's flags D and T, Google Takeout's labels and Thunderbird's status say so.

    Exit code 1 means that no message was found, or that a file was refused because it is not mail.

    Example: omniyard import mbox old-support.mbox --channel support-mail --dry-run
    """
    configure_logging("warning", stream=sys.stderr)
    archive = Archive(kind, path)
    tally = Tally()
    with open_desk(config) as (settings, database):
        _check(settings, channel=channel)
        source = _counting(archive.read(), tally, without=_LEFT_OUT - set(wanted or ()))
        try:
            if dry_run:
                _count(source, total=archive.count, tally=tally, database=database, channel=channel)
            else:
                _import(source, total=archive.count, tally=tally, database=database, settings=settings, channel=channel)
        finally:
            tally.refused, tally.doubtful = len(archive.remarks.refused), archive.remarks.doubtful
            _report(tally, archive.remarks, dry_run=dry_run, as_json=as_json)
    if not tally.messages and not tally.refused:
        raise PermanentError(f"no message was found in {path}")
    if tally.refused:
        raise typer.Exit(1)


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
        for messages in _shown(_batches(source), total=total):
            accepted = intake.keep(Batch(channel=channel, messages=messages, backfill=True))
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
        for messages in _shown(_batches(source), total=total):
            with database.read() as connection:
                known |= known_keys(connection, channel=channel, keys=[message.source_key for message in messages])
            fresh = [message for message in messages if message.source_key not in known]
            known |= {message.source_key for message in fresh}
            unreadable = sum(bool(arrival.unreadable) for arrival in guard.normalise_batch(fresh, channel=channel))
            tally.known += len(messages) - len(fresh)
            tally.imported += len(fresh) - unreadable
            tally.unreadable += unreadable


def _counting(source: Iterator[FiledMail], tally: Tally, *, without: frozenset[FolderRole]) -> Iterator[RawMessage]:
    for mail in source:
        tally.messages += 1
        if places := mail.places & without:
            place = min(places)
            tally.left_out[place] = tally.left_out.get(place, 0) + 1
        else:
            yield mail.raw


def _batches(source: Iterator[RawMessage]) -> Iterator[list[RawMessage]]:
    batch: list[RawMessage] = []
    size = 0
    for message in source:
        batch.append(message)
        size += len(message.content)
        if len(batch) >= _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _shown(batches: Iterator[list[RawMessage]], *, total: Callable[[], int]) -> Iterator[list[RawMessage]]:
    """Pass the batches on and show a progress bar on standard error if it is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield from batches
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("messages", total=total())
        for batch in batches:
            yield batch
            progress.advance(bar, len(batch))


def _report(tally: Tally, remarks: Remarks, *, dry_run: bool, as_json: bool) -> None:
    for sentence in _sentences(tally, remarks):
        print(f"omniyard: {sentence}", file=sys.stderr)
    if as_json:
        print_json(asdict(tally) | {"dry_run": dry_run})
        return
    verb = "would be taken in" if dry_run else "taken in"
    print(f"{tally.messages} messages read: {tally.imported} {verb}, {tally.known} known already", end="")
    print(f", {tally.unreadable} unreadable (in quarantine)" if tally.unreadable else "", end="")
    print("".join(f", {count} left out ({place})" for place, count in sorted(tally.left_out.items())))
    sys.stdout.flush()


def _sentences(tally: Tally, remarks: Remarks) -> Iterator[str]:
    yield from remarks.refused
    if remarks.aside:
        yield f"not looked into: {', '.join(remarks.aside)}"
    if tally.doubtful:
        yield (
            f"{tally.doubtful} lines look like the beginning of a message and were taken as text: "
            "the file may hold so many messages more"
        )

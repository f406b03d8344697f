"""`omniyard quarantine`: list the messages that could not be routed, and replay or discard them."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from sqlalchemy.engine import Connection

from api.text.reasons import line_in_english
from cli.audit_entry import write_down
from cli.desk import open_desk
from cli.main import FAILED
from cli.terminal import ConfigOption, JsonOption, print_json, print_table
from connectors.base import RawMessage
from connectors.email.sandbox.parent import Guard
from connectors.normalise import keep_findings, reread
from connectors.originals import unpack
from router.envelope import from_json
from router.errors import PermanentError, SealKeyMissing
from router.masking.mask import mask
from store.conversations.messages import PackedOriginal
from store.db.engine import Database
from store.desk.audit import AuditAction
from store.inbound.quarantine import (
    QuarantinedRecord,
    discard,
    find_quarantined,
    find_quarantined_original,
    list_quarantined,
    replay,
)

commands = typer.Typer(
    help="List, show, replay or discard the messages that could not be routed; nothing here is ever deleted.\n\n"
    "Example: omniyard quarantine list",
    no_args_is_help=True,
)
# Written into the events in place of an agent's name.
_BY: Final = "operator"
_MOST: Final = 1_000

IdArgument = Annotated[UUID, typer.Argument(help="The id that `quarantine list` shows.")]


@commands.command("list")
def list_all(
    *,
    channel: Annotated[str | None, typer.Option(help="Only this channel's.")] = None,
    discarded: Annotated[bool, typer.Option("--discarded", help="List the discarded messages instead.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=_MOST, help="How many at most, newest first.")] = 50,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the messages that wait for a person, newest first, with the reason.

    Example: omniyard quarantine list --channel support-mail
    """
    with open_desk(config) as (_, database), database.read() as connection:
        rows = list_quarantined(connection, channel=channel, discarded=discarded, limit=limit)
    if as_json:
        print_json([_plain(row) for row in rows])
        return
    cells = [(str(row.id), row.channel, f"{row.accepted_at:%Y-%m-%d %H:%M}", _reason(row)) for row in rows]
    print_table(("id", "channel", "accepted", "reason"), cells, whole="id")


@commands.command("show")
def show(
    inbound_id: IdArgument,
    *,
    original: Annotated[bool, typer.Option("--original", help="Write its unchanged bytes.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one message: the reason, its sender, and with --original its unchanged bytes.

    The bytes are unmasked, so reading them is recorded in the audit trail.

    Example: omniyard quarantine show 0192f1c2-7d11-7cc0-8000-5e1c6cf0a001 --original > odd.eml
    """
    if original:
        # The audit row is committed before the first byte is shown.
        sys.stdout.buffer.write(_opened(inbound_id, config=config))
        return
    with open_desk(config) as (_, database), database.read() as connection:
        row = find_quarantined(connection, inbound_id)
    if as_json:
        print_json(_plain(row))
    else:
        print_table(("", ""), ((key, str(value)) for key, value in _plain(row).items()))


@commands.command("replay")
def replay_some(
    inbound_ids: Annotated[list[UUID], typer.Argument(help="The ids that `quarantine list` shows.")],
    *,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Process messages again from their originals. A repeated replay does no harm.

    A message that is still unreadable stays in quarantine with the new reason. Exit code 1 if there was one.

    Example: omniyard quarantine replay 0192f1c2-7d11-7cc0-8000-5e1c6cf0a001
    """
    with open_desk(config) as (_, database):
        envelopes, refused = _read_again(database, inbound_ids)
        with database.write() as connection:
            going = replay(connection, list(envelopes), by=_BY, envelopes=envelopes)
    if as_json:
        print_json({"replayed": going, "unreadable": refused})
    else:
        typer.echo(f"{len(going)} messages are queued again; the sweep finds them within seconds")
        for inbound_id, why in refused.items():
            typer.echo(f"{inbound_id} stays: {why}", err=True)
    if refused:
        raise typer.Exit(FAILED)


@commands.command("discard")
def discard_one(
    inbound_id: IdArgument,
    *,
    reason: Annotated[str, typer.Option(help="Why no agent needs to see it; stored with it.")],
    config: ConfigOption = None,
) -> None:
    """Discard a message: it no longer waits for a person, keeps its bytes, and can still be replayed.

    Example: omniyard quarantine discard 0192f1c2-7d11-7cc0-8000-5e1c6cf0a001 --reason "advertising"
    """
    with open_desk(config) as (_, database), database.write() as connection:
        discard(connection, inbound_id, reason=reason, by=_BY)
    typer.echo(f"{inbound_id} is discarded")


def _reason(row: QuarantinedRecord) -> str:
    reason = line_in_english(row.reason)
    return f"{reason} ({row.shut})" if row.shut else reason


def _opened(inbound_id: UUID, *, config: Path | None) -> bytes:
    with open_desk(config) as (_, database), database.write() as connection:
        packed = find_quarantined_original(connection, inbound_id)
        write_down(connection, AuditAction.ORIGINAL_READ, about=str(inbound_id))
    return unpack(packed.content, size=packed.size)


def _read_again(database: Database, inbound_ids: Sequence[UUID]) -> tuple[Mapping[UUID, str], dict[UUID, str]]:
    """Return the new envelopes, and the reason for each message that is still unreadable."""
    envelopes: dict[UUID, str] = {}
    refused: dict[UUID, str] = {}
    with Guard() as guard:
        for inbound_id in inbound_ids:
            with database.read() as connection:
                row = find_quarantined(connection, inbound_id)
                packed = None if row.shut else _packed(connection, inbound_id, refused)
            if packed is None or not packed.size:
                refused.setdefault(inbound_id, row.shut or "its channel never delivered its bytes")
                continue
            raw = RawMessage(
                source_key=row.source_key,
                content=unpack(packed.content, size=packed.size),
                received_at=row.received_at,
            )
            stored = from_json(row.envelope)
            arrival = reread(raw, channel=row.channel, stored=stored)
            if arrival is None:
                (arrival,) = guard.normalise_batch([raw], channel=row.channel)
            if arrival.unreadable:
                refused[inbound_id] = arrival.unreadable
            else:
                envelopes[inbound_id] = keep_findings(arrival, stored=stored).envelope.decode()
    return envelopes, refused


def _packed(connection: Connection, inbound_id: UUID, refused: dict[UUID, str]) -> PackedOriginal | None:
    try:
        return find_quarantined_original(connection, inbound_id)
    except (SealKeyMissing, PermanentError) as error:
        refused[inbound_id] = str(error)
        return None


def _plain(row: QuarantinedRecord) -> dict[str, Any]:
    """Return what may be shown: the envelope is unmasked, so only its masked beginning."""
    envelope = from_json(row.envelope)
    return {
        "id": row.id,
        "channel": row.channel,
        "source_key": row.source_key,
        "from": envelope.sender.handle,
        "subject": mask(envelope.subject).text,
        "size": row.size,
        "received_at": row.received_at,
        "accepted_at": row.accepted_at,
        "attempts": row.attempts,
        "conflict": row.conflict,
        "reason": line_in_english(row.reason),
        "discarded_at": row.discarded_at,
        "defects": list(envelope.defects),
        "shut": row.shut,
    }

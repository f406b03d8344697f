"""`omniyard export`: a complete case, for an authority, an auditor or the customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final
from uuid import UUID

import typer
from sqlalchemy.engine import Connection

from cli.audit_entry import write_down
from cli.desk import open_desk
from cli.main import FAILED
from cli.terminal import ConfigOption, as_json, print_json
from connectors.json_messages import looks_like_document
from connectors.originals import unpack
from router.errors import NotFound, PermanentError, SealKeyMissing
from store.conversations.messages import MessageRecord, attachments_of, find_original, messages_of, outbound_of
from store.conversations.read import ConversationRecord, Position, find_conversation, handles
from store.desk.audit import AuditAction

_PAGE: Final = 200


def export_command(
    case: Annotated[str, typer.Argument(metavar="CASE", help="A conversation's reference or id.")],
    *,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Write it here, with the unchanged originals.")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Print a complete case as one JSON document: its messages, the answers, and the reason for each decision.

    Secrets are masked in it. With --to it becomes FOLDER/case.json, next to the originals, which are unmasked: the
    export of the originals is recorded in the audit trail.

    Example: omniyard export K7QF2MXD4 --to case-of-li-na
    """
    with open_desk(config) as (_, database), database.write() as connection:
        conversation = _find(connection, case)
        messages = _all_messages(connection, conversation.id)
        document = _document(connection, conversation, messages)
        originals, shut = _originals(connection, messages) if to else ({}, {})
        action = AuditAction.CASE_EXPORTED if to is None else AuditAction.CASE_EXPORTED_WITH_ORIGINALS
        write_down(connection, action, about=conversation.reference)
    if to is None:
        print_json(document)
        return
    to.mkdir(parents=True, exist_ok=True)
    (to / "case.json").write_text(as_json(document, indent=1), encoding="utf-8")
    for name, content in originals.items():
        (to / name).write_bytes(content)
    typer.echo(f"{conversation.reference}: {len(messages)} messages, {len(originals)} originals, in {to}")
    for message_id, why in shut.items():
        typer.echo(f"the original of message {message_id} is missing: {why}", err=True)
    if shut:
        raise typer.Exit(FAILED)


def _find(connection: Connection, case: str) -> ConversationRecord:
    try:
        return find_conversation(connection, UUID(case))
    except ValueError:
        return find_conversation(connection, case)


def _all_messages(connection: Connection, conversation_id: UUID) -> list[MessageRecord]:
    messages: list[MessageRecord] = []
    before = None
    while page := messages_of(connection, conversation_id, before=before, limit=_PAGE):
        messages = [*page, *messages]
        before = Position(page[0].received_at, page[0].id)
    return messages


def _document(
    connection: Connection, conversation: ConversationRecord, messages: Sequence[MessageRecord]
) -> dict[str, Any]:
    files = attachments_of(connection, [message.id for message in messages])
    return {
        "case": asdict(conversation),
        "customer": handles(connection, [conversation.contact_id])[conversation.contact_id],
        "messages": [
            {**asdict(message), "attachments": [asdict(file) for file in files[message.id]]} for message in messages
        ],
        "outgoing": [asdict(row) for row in outbound_of(connection, conversation.id)],
    }


def _originals(connection: Connection, messages: Sequence[MessageRecord]) -> tuple[dict[str, bytes], dict[UUID, str]]:
    """Return the original of each message that has one, by a file name that sorts in order of arrival.

    Returns also why an original cannot be opened, by the id of its message.
    """
    found: dict[str, bytes] = {}
    shut: dict[UUID, str] = {}
    for number, message in enumerate(messages, start=1):
        try:
            original = find_original(connection, message.id)
        except NotFound:
            # We sent it, or its original was deleted after its retention time.
            continue
        except (SealKeyMissing, PermanentError) as error:
            shut[message.id] = str(error)
            continue
        content = unpack(original.content, size=original.size)
        found[f"{number:03}.{'json' if looks_like_document(content) else 'eml'}"] = content
    return found, shut

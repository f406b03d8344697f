"""`omniyard explain`: why a message was routed as it was, or where a mail would go."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.text import Text

from api.text.phrases import Words
from api.text.reasons import ReasonReader, in_english, line_in_english, reasons
from cli.desk import open_desk
from cli.terminal import ConfigOption, JsonOption, print_json, read_moment
from router.errors import NotFound, PermanentError
from router.origin.verdicts import CorrespondentSource
from router.reason import Reason
from router.routing.trace import CorrelationTrace, Trace
from router.settings import Settings
from store.conversations.traces import Traced, find_traced
from store.db.engine import Database

if TYPE_CHECKING:
    from router.envelope import Envelope
    from store.outbound.given_answers import GivenAnswer


def explain_command(
    what: Annotated[
        str, typer.Argument(metavar="ID|FILE", help="A message, a conversation or its reference; or a mail file.")
    ],
    *,
    at: Annotated[
        str | None, typer.Option("--at", help="Decide as if received then (ISO 8601; the desk's zone if it has none).")
    ] = None,
    channel: Annotated[str | None, typer.Option(help="For a file: the channel it comes by; else the first.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show each decision about a message with its evidence. Nothing is written.

    An ID shows the stored reasons of its routing. A FILE, or an ID with --at, is decided again with
    the current configuration.

    Example: omniyard explain K7QF2MXD4

    Example: omniyard explain mail.eml --at 2026-02-17T10:00
    """
    path = Path(what)
    is_file = path.is_file()
    with open_desk(config, decides=is_file or bool(at)) as (settings, database):
        moment = read_moment(at, zone=settings.omniyard.timezone, option="--at") if at else None
        if is_file:
            found = [_of_file(path, settings, database=database, channel=channel, at=moment or datetime.now(UTC))]
        else:
            stored = _stored(database, what)
            answers, chats = _answers(database, stored), _chats(database, stored, settings=settings)
            found = [
                _of_stored(row, settings, database=database, at=moment)
                | answers.get(row.message_id, {})
                | chats.get(row.inbound_id, {})
                for row in stored
            ]
    if as_json:
        print_json([each | {"trace": each["trace"].to_json() if each["trace"] else None} for each in found])
    else:
        for each in found:
            _show(each, settings=settings)


def _stored(database: Database, key: str) -> list[Traced]:
    with database.read() as connection:
        try:
            return find_traced(connection, key)
        except NotFound as error:
            raise NotFound(f"{error}; nor is there a file of that name") from error


def _answers(database: Database, rows: Sequence[Traced]) -> dict[UUID | None, dict[str, Any]]:
    """Return what the machine did with each message, and why, where it was asked at all."""
    from store.outbound.given_answers import given_to  # noqa: PLC0415  (its tables, only for what was found)

    ids = [row.message_id for row in rows if row.message_id]
    with database.read() as connection:
        return {each.message_id: {"answer": _answer(each)} for each in given_to(connection, ids)}


def _chats(database: Database, rows: Sequence[Traced], *, settings: Settings) -> dict[UUID | None, dict[str, Any]]:
    """Return what became of each line of a chat."""
    # A channel that is not configured any more may have been a chat.
    others = {name for name, channel in settings.channels.items() if not channel.chat_page}
    ids = [row.inbound_id for row in rows if row.inbound_id and row.channel not in others]
    if not ids:
        return {}
    from store.chat.explained import explained_lines  # noqa: PLC0415  (its tables, only for a chat)

    with database.read() as connection:
        return {key: {"chat": asdict(line)} for key, line in explained_lines(connection, ids).items()}


def _answer(given: GivenAnswer) -> dict[str, Any]:
    trace = given.trace or {}
    why = [in_english(Reason(each["key"], each.get("values", {}))) for each in trace.get("why", ())]
    return {"outcome": given.state, "sent": given.answer, "verdict": given.verdict, **trace, "why": why}


def _of_stored(row: Traced, settings: Settings, *, database: Database, at: datetime | None) -> dict[str, Any]:
    """Return what is known of a stored message; with `at` it is decided again."""
    shown: dict[str, Any] = {
        "inbound_id": row.inbound_id,
        "message_id": row.message_id,
        "reference": row.reference,
        "channel": row.channel,
        "received_at": row.received_at,
        "state": row.state,
        "reason": line_in_english(row.reason),
        "duplicate_of": row.duplicate_of,
        **_correspondent(row.trace, sender=row.sender_handle),
        "trace": row.trace,
    }
    if row.shut:
        shown["shut"] = row.shut
    if at is None:
        return shown
    if row.shut:
        raise PermanentError(row.shut)
    if not row.envelope:
        raise NotFound("the message's text is not stored any more: see [omniyard] keep_originals")
    from router.envelope import from_json  # noqa: PLC0415

    # Now the message itself is in the history, so its conversation is taken from the original decision.
    placed = row.trace.correlation if row.trace else None
    today = _decided(from_json(row.envelope), settings, database=database, at=at, placed=placed)
    sender = from_json(row.envelope).sender.handle
    again = {"decided_at": at, "trace": today}
    return shown | _correspondent(today, sender=sender) | again


def _of_file(
    path: Path, settings: Settings, *, database: Database, channel: str | None, at: datetime
) -> dict[str, Any]:
    if channel is not None and channel not in settings.channels:
        raise NotFound(f"no channel is named {channel}; there are: {', '.join(settings.channels)}")
    name = channel or next(iter(settings.channels), "import")
    envelope = _read(path, channel=name, at=at)
    trace = _decided(envelope, settings, database=database, at=at)
    named = _correspondent(trace, sender=envelope.sender.handle)
    return {"file": str(path), "channel": name, "decided_at": at, **named, "trace": trace}


def _decided(
    envelope: Envelope,
    settings: Settings,
    *,
    database: Database,
    at: datetime,
    placed: CorrelationTrace | None = None,
) -> Trace:
    """Decide again, with all that routing needs; stored reasons are shown without it."""
    from workers.routing.brain import build_brain  # noqa: PLC0415  (numpy, only to decide again)
    from workers.routing.explain import explain_envelope  # noqa: PLC0415
    from workers.runtime.logs import configure_logging  # noqa: PLC0415

    configure_logging("warning", stream=sys.stderr)
    return explain_envelope(envelope, brain=build_brain(settings), database=database, at=at, placed=placed)


def _correspondent(trace: Trace | None, *, sender: str | None) -> dict[str, str | None]:
    """Return the customer and the field that names them; the author, unless the trace says otherwise."""
    found = trace.correspondent if trace else None
    if found:
        return {"correspondent": found.address, "correspondent_source": found.source}
    return {"correspondent": sender, "correspondent_source": CorrespondentSource.FROM.value if sender else None}


def _read(path: Path, *, channel: str, at: datetime) -> Envelope:
    from connectors.base import RawMessage  # noqa: PLC0415  (the parser, only for a file)
    from connectors.email.sandbox.parent import Guard  # noqa: PLC0415
    from router.envelope import from_json  # noqa: PLC0415

    raw = RawMessage(source_key=str(path), content=path.read_bytes(), received_at=at)
    with Guard() as guard:
        (arrival,) = guard.normalise_batch([raw], channel=channel)
    if arrival.unreadable:
        raise PermanentError(f"{path}: it would go to quarantine: {arrival.unreadable}")
    return from_json(arrival.envelope)


def _show(found: Mapping[str, Any], *, settings: Settings) -> None:
    console = Console(highlight=False, soft_wrap=True)
    apart = {"trace", "answer", "chat"}
    head = [f"{key} {value}" for key, value in found.items() if value is not None and value != "" and key not in apart]
    console.print(Text("  ".join(head), style="bold"))
    for reason in reasons(found["trace"] or Trace(), reader=_reader(settings)):
        console.print(Text.assemble((f"  {reason.title}: ", "bold"), reason.decision))
        for evidence in reason.evidence:
            console.print(Text(f"      {evidence}"))
    if chat := found.get("chat"):
        console.print(Text.assemble(("  Chat: ", "bold"), _in_words(chat, zone=settings.omniyard.timezone)))
    if answer := found.get("answer"):
        _show_answer(console, answer)


def _in_words(chat: Mapping[str, Any], *, zone: ZoneInfo) -> str:
    """Say why a line of a chat was answered, or why it was not."""
    if chat["answered_at"]:
        mail = ", also by mail because the visitor had not seen it" if chat["by_mail"] else ""
        return f"line {chat['seq']}, answered by {chat['answered_by']} at {_local(chat['answered_at'], zone)}{mail}"
    if chat["ended_by"]:
        return f"line {chat['seq']}, not answered: the chat was ended ({chat['ended_by']})"
    if chat["place"]:
        since = _local(chat["waiting_since"], zone)
        return f"line {chat['seq']}, not answered yet: place {chat['place']} in the queue, waiting since {since}"
    return (
        f"line {chat['seq']}, not answered yet: no place in the queue, because an agent has it or the visitor is gone"
    )


def _local(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


def _show_answer(console: Console, answer: Mapping[str, Any]) -> None:
    said = " ".join(filter(None, (answer["outcome"], answer["sent"], answer["verdict"])))
    console.print(Text.assemble(("  Answer: ", "bold"), said))
    for why in answer["why"]:
        console.print(Text(f"      {why}"))
    scores = (
        f"{name} {answer[name]}" for name in ("confidence", "answer_from", "offer_from", "version") if name in answer
    )
    console.print(Text(f"      {', '.join(scores)}"))
    for fit in answer.get("fits", ()):
        console.print(Text(f"      {fit['answer']}: meaning {fit['meaning']}, words {fit['words']}"))
    if model := answer.get("model"):
        console.print(Text(f"      {_model_in_words(model)}"))


def _model_in_words(model: Mapping[str, Any]) -> str:
    """Say what a model was asked for, and whether its words or the operator's were sent."""
    if silent := model.get("silent"):
        return f"model: no text ({silent}), so the answer's own words count"
    asked = f"model {model['name']}, prompt {model['prompt']}, {model['ms']} ms"
    asked += "" if model["tokens"] is None else f", {model['tokens']} tokens"
    if not model["flaws"]:
        return f"{asked}: its words count"
    words = Words("en")
    flaws = "; ".join(words(f"flaw_{flaw}") for flaw in model["flaws"])
    return f"{asked}: refused, so the answer's own words count: {flaws}"


def _reader(settings: Settings) -> ReasonReader:
    zone = settings.omniyard.timezone
    return ReasonReader(words=Words("en"), moment=lambda moment: f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}")

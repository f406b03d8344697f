"""`omniyard parse`: print what Omniyard reads in a mail file. Nothing is stored, and no configuration is needed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.main import FAILED
from cli.terminal import JsonOption
from connectors.base import RawMessage
from connectors.email.mime import limits
from connectors.email.sandbox.parent import Guard
from router.envelope import Attachment, Envelope, Party, from_json
from router.origin.automatic import recognise
from router.origin.correspondent import find_correspondent
from router.origin.own_side import OwnSide
from router.origin.sender_proof import prove_sender

_BATCH: Final = 100
# Of a file that is too large to be a mail: enough to find its sender.
_HEAD_BYTES: Final = 65_536
_STANDARD_INPUT: Final = Path("-")


def parse_command(
    files: Annotated[list[Path], typer.Argument(help="Mail files (RFC 5322); - reads one mail from standard input.")],
    as_json: JsonOption = False,
) -> None:
    """Print what Omniyard reads in each file: sender, subject, new and quoted words, files, and what wrote it.

    With --json one object per line: file, subject, from, from_name, correspondent, correspondent_source, to, cc, date,
    message_id, in_reply_to, references, text, quoted, signature, html, attachments, origin, defects. An unreadable mail
    comes as a stub whose last defect is the reason. Exit code 1 if a file could not be opened.

    Example: omniyard parse --json mail/*.eml | jq .subject
    """
    unopened = 0
    with Guard() as guard:
        for batch in _batches(files):
            messages = [(path, raw) for path, raw in batch if raw is not None]
            arrivals = guard.normalise_batch([raw for _, raw in messages], channel="parse")
            for (path, _), arrival in zip(messages, arrivals, strict=True):
                _print(path, from_json(arrival.envelope), as_json=as_json)
            unopened += len(batch) - len(messages)
    if unopened:
        raise typer.Exit(FAILED)


def _batches(files: Sequence[Path]) -> Iterator[list[tuple[Path, RawMessage | None]]]:
    rest = iter(files)
    while paths := list(islice(rest, _BATCH)):
        yield [(path, _read(path)) for path in paths]


def _read(path: Path) -> RawMessage | None:
    """Return the file as a message; None, and a sentence on standard error, if it cannot be opened."""
    try:
        if path == _STANDARD_INPUT:
            return _message(path, sys.stdin.buffer.read(limits.RAW_BYTES + 1), at=datetime.now(UTC))
        size, at = path.stat().st_size, datetime.fromtimestamp(path.stat().st_mtime, UTC)
        with path.open("rb") as file:
            if size > limits.RAW_BYTES:
                why = f"The mail has {size} bytes; at most {limits.RAW_BYTES} are read."
                return _message(path, file.read(_HEAD_BYTES), at=at, defect=why)
            return _message(path, file.read(), at=at)
    except OSError as error:
        print(f"omniyard: {path}: {error.strerror}", file=sys.stderr)
        return None


def _message(path: Path, content: bytes, *, at: datetime, defect: str = "") -> RawMessage:
    return RawMessage(source_key=str(path), content=content, received_at=at, defect=defect)


def _print(path: Path, envelope: Envelope, *, as_json: bool) -> None:
    plain = describe(envelope) | {"file": str(path)}
    words = json.dumps({"file": "", **plain}, ensure_ascii=False) if as_json else _readable(plain)
    # A file name may hold bytes that are not valid text.
    sys.stdout.buffer.write(words.encode("utf-8", "replace") + b"\n")
    sys.stdout.buffer.flush()


def describe(envelope: Envelope) -> dict[str, object]:
    """Return what `--json` prints of an envelope, without the file's name."""
    proof = prove_sender(envelope, authserv_id=None)
    correspondent = find_correspondent(envelope, side=OwnSide(), proof=proof)
    return {
        "subject": envelope.subject,
        "from": envelope.sender.handle,
        "from_name": envelope.sender.name,
        "correspondent": correspondent.party.handle,
        "correspondent_source": correspondent.source.value,
        "to": _handles(envelope.to),
        "cc": _handles(envelope.cc),
        "date": envelope.sent_at.isoformat() if envelope.sent_at else None,
        "message_id": envelope.rfc_message_id,
        "in_reply_to": list(envelope.in_reply_to),
        "references": list(envelope.references),
        "text": envelope.text,
        "quoted": envelope.quoted,
        "signature": envelope.signature,
        "html": envelope.html,
        "attachments": [_attachment(attachment) for attachment in envelope.attachments],
        "origin": recognise(envelope, own_addresses=frozenset()).kind.value,
        "defects": list(envelope.defects),
    }


def _handles(parties: Sequence[Party]) -> list[str]:
    return [party.handle for party in parties]


def _attachment(attachment: Attachment) -> dict[str, object]:
    return {
        "name": attachment.name,
        "type": attachment.media_type,
        "size": attachment.size,
        "sha256": attachment.sha256,
    }


def _readable(plain: dict[str, object]) -> str:
    shown = (
        "file",
        "subject",
        "from",
        "correspondent",
        "to",
        "cc",
        "date",
        "message_id",
        "origin",
        "defects",
        "attachments",
    )
    rows = [f"{key:>12}  {_on_one_line(plain[key])}" for key in shown if plain[key]]
    text = "".join(letter for letter in str(plain["text"]) if letter.isprintable() or letter in "\n\t")
    return "\n".join([*rows, "", text, ""])


def _on_one_line(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(each["name"]) if isinstance(each, dict) else str(each) for each in value)
    return "".join(letter if letter.isprintable() else " " for letter in str(value))

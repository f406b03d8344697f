"""How well reports on our mail are recognised and read: ours compared with the standard library alone.

The expected answers are flufl.bounce's (which address failed, permanently or temporarily) and Sisimai's (a status code,
whose class gives the permanence: RFC 3463 section 2). Python's best public reader, flufl.bounce, wrote half of the
expected answers, so it is not measured against them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import Message
from pathlib import Path
from typing import Any, Final

from connectors.base import RawMessage
from connectors.email.mime.normalise import normalise
from router.origin.automatic import recognise
from router.origin.verdicts import OriginKind

_ROWS: Final = "rows(dsn,reply_code,reason,hard)"
_REASONS: Final = {
    "flufl_simple_20.eml": "a reply's subject, an ordinary sender, no machine's header: read as a person's, to be safe",
    "flufl_yale_01.eml": "the report gives no address; the expected one is built from the host's name",
    "flufl_simple_44.eml": "the system gave up with 4.4.4: the expected answer is permanent, RFC 3463 does not",
    "flufl_dsn_02.eml": "the system gave up with 4.4.7: the expected answer is permanent, RFC 3463 does not",
    "lhost-gmx-04.eml": "retry timeout exceeded: expected as permanent here, as temporary for lhost-exim-06.eml",
}


@dataclass(frozen=True, slots=True)
class ParsedReport:
    """How one reader classifies a mail. outcomes: address and one of permanent, temporary, delivered, complained."""

    is_report: bool
    outcomes: tuple[tuple[str, str], ...] = ()


def measure(corpora: Path) -> dict[str, Any]:
    """Return how many reports are recognised and correctly read, and how many honest mails are taken for one."""
    table = {name: _measure(corpora / "bounces", read) for name, read in _READERS.items()}
    misses = [reader.pop("misses") for reader in table.values()]
    return {**table, "misses": misses[0]}


def _measure(folder: Path, read: Callable[[bytes], ParsedReport]) -> dict[str, Any]:
    reports = [(row, _read(read, folder / "bounce" / row["file"])) for row in _rows(folder / "bounce")]
    honest = [(row, _read(read, folder / "ham" / row["file"])) for row in _rows(folder / "ham")]
    known = [row for row, report in reports if report.is_report == (row["kind"] != "not_bounce")]
    right = [row for row, report in reports if _is_right(row, report)]
    called = [row["file"] for row, report in honest if report.is_report]
    return {
        "recognised": round(len(known) / len(reports), 4),
        "right recipient and permanence": round(len(right) / len(reports), 4),
        "ham called bounce": len(called),
        "misses": [_miss(row, report) for row, report in reports if row not in known or row not in right],
    }


def _rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "expected.jsonl").read_text("utf-8").splitlines()]


def _read(read: Callable[[bytes], ParsedReport], path: Path) -> ParsedReport:
    try:
        return read(path.read_bytes())
    # A reader that raises has read nothing, and the table must show that.
    except Exception:  # noqa: BLE001
        return ParsedReport(is_report=False)


def _is_right(row: dict[str, Any], report: ParsedReport) -> bool:
    """Compare addresses and outcomes where addresses are expected, the outcomes alone where codes are expected."""
    if _ROWS not in row:
        wanted = [(address.lower(), name) for name in ("permanent", "temporary") for address in row[name]]
        return sorted(set(wanted)) == sorted({(address.lower(), outcome) for address, outcome in report.outcomes})
    outcomes = {outcome for _, outcome in report.outcomes}
    if row["kind"] == "feedback" or not row[_ROWS][0][0]:
        return report.is_report and outcomes <= {"complained"}
    return outcomes == {_by_class(each[0]) for each in row[_ROWS]}


def _by_class(status: str) -> str:
    return {"2": "delivered", "4": "temporary"}.get(status[:1], "permanent")


def _miss(row: dict[str, Any], report: ParsedReport) -> dict[str, Any]:
    wanted = row.get(_ROWS) or {name: row[name] for name in ("permanent", "temporary")}
    why = _REASONS.get(row["file"], "not understood yet")
    return {"file": row["file"], "expected": wanted, "is_report": report.is_report, "read": report.outcomes, "why": why}


def _ours(content: bytes) -> ParsedReport:
    envelope = normalise(RawMessage(source_key="1", content=content, received_at=datetime.now(UTC)), channel="bench")
    is_report = recognise(envelope, own_addresses=frozenset()).kind is OriginKind.BOUNCE
    recipients = envelope.bounce.recipients if envelope.bounce else ()
    return ParsedReport(
        is_report, tuple((each.address, _outcome(each.action, permanent=each.permanent)) for each in recipients)
    )


def _outcome(action: str, *, permanent: bool) -> str:
    if action in {"delivered", "complained"}:
        return action
    return "permanent" if permanent else "temporary"


def _standard(content: bytes) -> ParsedReport:
    """Read what the standard library alone offers: the fields of a message/delivery-status part."""
    message = message_from_bytes(content, policy=policy.compat32)
    parts = [part for part in message.walk() if part.get_content_type() == "message/delivery-status"]
    groups = [group for part in parts for group in _groups(part.get_payload()) if group["Final-Recipient"]]
    outcomes = tuple((_address(group), _field_outcome(group)) for group in groups)
    return ParsedReport(message.get_content_type() == "multipart/report", outcomes)


def _groups(payload: object) -> Sequence[Message[str, str]]:
    return [group for group in payload if isinstance(group, Message)] if isinstance(payload, list) else []


def _address(group: Message[str, str]) -> str:
    return str(group["Original-Recipient"] or group["Final-Recipient"]).rpartition(";")[2].strip(" <>")


def _field_outcome(group: Message[str, str]) -> str:
    status = str(group["Status"] or "").strip()
    permanent = str(group["Action"] or "").strip().lower().startswith("failed") and not status.startswith("4")
    return _outcome("delivered" if status.startswith("2") else "failed", permanent=permanent)


_READERS: Final[dict[str, Callable[[bytes], ParsedReport]]] = {"ours": _ours, "standard library": _standard}

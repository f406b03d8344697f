"""Which messages belong together, on mailboxes with known answers: ours compared with the standard library's headers.

The cases by references run through `router.threads.correlation.correlate` as in one desk, with every author as a
participant; the case by subject (RFC 5256 section 2.1, base subject) through `router.threads.subject_lines.core_subject`.
"""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from connectors.base import RawMessage
from connectors.email.mime.normalise import normalise
from router.envelope import Envelope
from router.origin.sender_proof import ProofKind, SenderProof
from router.reason import Reason, ReasonKey
from router.threads.correlation import Candidate, KnownThreads, ThreadQuery, correlate, find_signs
from router.threads.subject_lines import core_subject

_NOW: Final = datetime(2026, 3, 2, tzinfo=UTC)
_EVERYONE: Final = UUID(int=1)
# What is measured is which messages belong together, and not whom to believe.
_PROVEN: Final = SenderProof(ProofKind.PROVEN, Reason(ReasonKey.DOMAIN_CONFIRMED, {"results": ""}))
_BY_SUBJECT: Final = "orderedsubject"

Groups = list[list[int]]


def measure(corpora: Path) -> dict[str, Any]:
    """Return, for each way of reading, how many mailboxes are grouped correctly, and what is wrong with the others."""
    folder = corpora / "threads"
    cases = [json.loads(line) for line in (folder / "expected.jsonl").read_text(encoding="utf-8").splitlines()]
    return {
        "mailboxes": len(cases),
        "ours": _score(cases, folder, _ours),
        "standard_library": _score(cases, folder, _plain),
    }


def _score(
    cases: Sequence[dict[str, Any]], folder: Path, group: Callable[[str, list[bytes]], Groups]
) -> dict[str, Any]:
    found = {case["case"]: group(case["case"], _mails(folder, case)) for case in cases}
    wrong = [
        {"mailbox": case["case"], "expected": case["threads_of_message_numbers"], "found": found[case["case"]]}
        for case in cases
        if found[case["case"]] != case["threads_of_message_numbers"]
    ]
    return {"right": len(cases) - len(wrong), "wrong": wrong}


def _mails(folder: Path, case: dict[str, Any]) -> list[bytes]:
    return [(folder / f"{case['case']}.{number}.eml").read_bytes() for number in range(1, case["messages"] + 1)]


def _ours(name: str, mails: list[bytes]) -> Groups:
    envelopes = [_read(number, content) for number, content in enumerate(mails, start=1)]
    if name.endswith(_BY_SUBJECT):
        return _grouped([core_subject(envelope.subject) for envelope in envelopes])
    return _grouped(_conversations(envelopes))


def _read(number: int, content: bytes) -> Envelope:
    return normalise(RawMessage(source_key=str(number), content=content, received_at=_NOW), channel="mail")


def _conversations(envelopes: Sequence[Envelope]) -> list[UUID]:
    """Return each message's conversation, for a desk that receives them in this order."""
    known: dict[str, list[Candidate]] = {}
    filed: list[UUID] = []
    for envelope in envelopes:
        signs = find_signs(envelope)
        query = ThreadQuery(envelope=envelope, signs=signs, proof=_PROVEN, contact_id=_EVERYONE)
        found = correlate(query, KnownThreads(by_reference={}, by_message_id=known, ours={}), key=b"")
        candidate = found.joins or _opened(envelope)
        for message_id in signs.message_ids:
            own = message_id == envelope.rfc_message_id
            known.setdefault(message_id, []).append(replace(candidate, own=own))
        filed.append(candidate.conversation_id)
    return filed


def _opened(envelope: Envelope) -> Candidate:
    return Candidate(
        # In order of time, as a desk's ids are.
        conversation_id=UUID(int=int(envelope.source_key)),
        reference="",
        contact_id=_EVERYONE,
        subject=envelope.subject,
        resolved=False,
        last_message_at=_NOW,
    )


def _plain(name: str, mails: list[bytes]) -> Groups:
    """Group by the unchanged subject, or by the first Message-ID that is named."""
    parsed = [email.message_from_bytes(content, policy=email.policy.compat32) for content in mails]
    if name.endswith(_BY_SUBJECT):
        return _grouped([str(mail["Subject"]) for mail in parsed])
    return _grouped(
        [str(mail["References"] or mail["In-Reply-To"] or mail["Message-ID"]).split()[0] for mail in parsed]
    )


def _grouped(keys: Sequence[object]) -> Groups:
    groups: dict[object, list[int]] = {}
    for number, key in enumerate(keys, start=1):
        groups.setdefault(key, []).append(number)
    return list(groups.values())

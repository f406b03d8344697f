"""A claimed message with its analysis and its contact, and what follows from these three alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from router.analysis import Analysis
from router.envelope import CHAT_KINDS, PartyKind
from router.masking.mask import mask
from router.origin.verdicts import OriginKind
from router.remarks.remark_kind import NEEDS_NOTHING, RemarkKind
from router.text.visible import is_visible
from router.threads.subject_lines import core_subject, is_reply_subject
from store.db.ids import new_id
from store.inbound.claims import ClaimedInbound
from store.inbound.outcome import Outcome


@dataclass(frozen=True)
class Incoming:
    """A claimed row, the analysis of its message, and the sender's contact. What follows from them is computed once."""

    row: ClaimedInbound
    analysis: Analysis
    contact_id: UUID

    def of(self, contact_id: UUID) -> Incoming:
        """Return the same message as one of this contact."""
        return self if contact_id == self.contact_id else replace(self, contact_id=contact_id)

    @cached_property
    def known_ids(self) -> Sequence[str]:
        """The Message-IDs that will lead to the message's conversation: its own and those that it answers."""
        envelope = self.analysis.envelope
        return [*([envelope.rfc_message_id] if envelope.rfc_message_id else []), *envelope.ancestors]

    @property
    def lasting_ids(self) -> Sequence[str]:
        """Those of its Message-IDs that lead others to its conversation: none of what is forged.

        Else the customer's next mail, which quotes the same, would be filed next to the forgery.
        """
        return self.known_ids if self.analysis.proof.may_join else ()

    @cached_property
    def may_repeat(self) -> bool:
        """Whether the message can repeat an earlier one: a person wrote it, not in another's name, nor long ago."""
        analysis = self.analysis
        return analysis.origin.kind is OriginKind.PERSON and analysis.proof.may_join and not self.row.backfill

    @property
    def remark(self) -> RemarkKind:
        """What the message is for."""
        return self.analysis.remark

    @property
    def needs_nothing(self) -> bool:
        """Whether it only thanks, agrees, says goodbye, or stops our messages."""
        return self.remark in NEEDS_NOTHING

    @property
    def may_answer(self) -> bool:
        """Whether it may answer a question of ours; without a question it needs nothing."""
        return self.remark in {RemarkKind.ASSENT, RemarkKind.COMMAND}

    @property
    def is_gated(self) -> bool:
        """Whether the hours gate counts it: a person wrote it now, and asks something."""
        return not (self.row.backfill or self.needs_nothing) and self.analysis.is_heard

    @cached_property
    def subject(self) -> str:
        """Its subject as subjects are compared."""
        return core_subject(self.analysis.envelope.subject)

    @cached_property
    def answers_subject(self) -> bool:
        """Whether its subject is that of an answer."""
        return is_reply_subject(self.analysis.envelope.subject)

    @cached_property
    def needs_subject(self) -> bool:
        """Whether a mail names nothing that it answers, so that its subject is compared."""
        envelope = self.analysis.envelope
        is_mail = envelope.sender.kind is PartyKind.EMAIL and envelope.bounce is None
        is_lost = is_mail and not envelope.ancestors and not self.row.backfill
        return is_lost and bool(self.subject)


def evidence_of(analysis: Analysis) -> dict[str, object]:
    """Return the evidence for the message's category, as JSON; no message text."""
    found = analysis.classification
    return {
        "words": list(found.evidence),
        "category": found.category,
        "probability": found.confidence,
        "model": found.model,
        "danger": found.danger,
        "danger_evidence": [each.to_json() for each in found.danger_evidence],
    }


def attachment_rows(incoming: Incoming, *, message_id: UUID) -> list[dict[str, Any]]:
    """Return the rows of the message's attachments, with names that are safe to show."""
    return [
        {
            "id": new_id(),
            "message_id": message_id,
            "name": name,
            "media_type": mask(attachment.media_type).text,
            "size": attachment.size,
            "sha256": attachment.sha256,
            "part": attachment.part,
            "content_id": attachment.content_id,
        }
        for attachment, name in zip(
            incoming.analysis.envelope.attachments, incoming.analysis.shown.file_names, strict=True
        )
    ]


def fetched_files(incoming: Incoming, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return what is to be fetched for those attachments that came as a reference. rows: of `attachment_rows`."""
    referred = {each.part: each for each in incoming.analysis.envelope.attachments if each.url}
    return [
        {
            "id": row["id"],
            "inbound_id": incoming.row.id,
            "channel": incoming.row.channel,
            "url": referred[row["part"]].url,
            "sha256": referred[row["part"]].sha256,
        }
        for row in rows
        if row["part"] in referred
    ]


def add_files(incoming: Incoming, *, message_id: UUID, outcome: Outcome) -> None:
    """Record the message's attachments, and which of them are still to be fetched."""
    rows = attachment_rows(incoming, message_id=message_id)
    outcome.attachments.extend(rows)
    outcome.fetched_files.extend(fetched_files(incoming, rows))


def contact_points(incoming: Incoming, *, at: datetime) -> list[dict[str, Any]]:
    """Return where else the sender can be reached, as the channel reports it."""
    return [
        {
            "contact_id": incoming.contact_id,
            "kind": point.kind.value,
            "value": point.value,
            "channel": incoming.row.channel,
            "verified": point.verified,
            "said_at": at,
        }
        for point in incoming.analysis.envelope.contact_points
    ]


# Auto-replies and our own messages: no sender waits for an answer to them.
_NO_ONE_WAITS: Final = frozenset({OriginKind.AUTO_REPLIED, OriginKind.OURSELVES})


def starts_clock(incoming: Incoming) -> bool:
    """Return whether a case that the message opens has promises.

    Not for old mail, nor for what a system of a chat channel says a program wrote; the marks of mail are less certain.
    """
    analysis = incoming.analysis
    is_program = analysis.envelope.sender.kind in CHAT_KINDS and not analysis.is_heard
    return not (incoming.row.backfill or is_program)


def wakes(incoming: Incoming, *, asked: bool = False) -> bool:
    """Return whether the message reopens a conversation that is resolved or snoozed.

    asked: the last word of ours there asked something, and the conversation is not resolved: then "ok" is an answer,
    and so may be "stop".
    """
    if incoming.needs_nothing and not (asked and incoming.may_answer):
        return False
    if incoming.remark is RemarkKind.EMPTY and not is_visible(incoming.analysis.envelope.text):
        return False
    report = incoming.analysis.envelope.bounce
    if report is not None and not report.is_final:
        # A delay is no failure: the mail system goes on trying, and reports again if it gives up.
        return False
    return not incoming.row.backfill and incoming.analysis.origin.kind not in _NO_ONE_WAITS

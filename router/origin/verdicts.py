"""The verdicts on who wrote a message, as values: what a trace keeps, and what the words of reasons name.

They stand alone, so that reading a trace does not load what decides: `automatic`, `sender_signals`, `correspondent`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from router.reason import ReasonKey, StoredReason


class OriginKind(StrEnum):
    """The author of a message. bounce: a report on a message of ours, including complaints."""

    PERSON = "person"
    AUTO_REPLIED = "auto_replied"
    AUTO_GENERATED = "auto_generated"
    BOUNCE = "bounce"
    BULK = "bulk"
    OURSELVES = "ourselves"


@dataclass(frozen=True, slots=True)
class Origin:
    """The author of a message, and all signs of it; a person needs none."""

    kind: OriginKind
    why: tuple[StoredReason, ...] = ()

    @property
    def is_campaign(self) -> bool:
        """Whether it is a newsletter or advertising."""
        return any(each.key is ReasonKey.WRITTEN_TO_MANY for each in self.why)

    @property
    def is_notice(self) -> bool:
        """Whether it is a notice of another system, behind which no customer can be found."""
        return any(each.key is ReasonKey.NAMES_NO_CUSTOMER for each in self.why)


class SignalKind(StrEnum):
    """What was noticed. verified, forged, unverified: what is proven (`router.origin.sender_proof.ProofKind`)."""

    VERIFIED = "verified"
    FORGED = "forged"
    UNVERIFIED = "unverified"
    REPLY_TO_DIFFERS = "reply_to_differs"
    LOOKALIKE_DOMAIN = "lookalike_domain"
    SEVERAL_AUTHORS = "several_authors"
    ADDRESS_IN_NAME = "address_in_name"
    CLAIMS_OUR_DOMAIN = "claims_our_domain"
    CLAIMS_STAFF = "claims_staff"


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal and its reason."""

    kind: SignalKind
    why: StoredReason


class CorrespondentSource(StrEnum):
    """The field that names the correspondent. recipient, forwarded: of mail that our own side wrote."""

    FROM = "from"
    REPLY_TO = "reply-to"
    ORIGINAL_FROM = "x-original-from"
    ORIGINAL_SENDER = "x-original-sender"
    BODY = "body"
    RECIPIENT = "recipient"
    FORWARDED = "forwarded"

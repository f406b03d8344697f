"""Build the brain from the operator's file, once per process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from router.analysis import Analysis, read_batch
from router.classify import Classification, Classifies
from router.envelope import Envelope
from router.masking.mask import mask
from router.origin.own_side import OwnSide
from router.routing.assignment import Mode
from router.routing.routes import RoutingTable, build_table
from router.settings import Settings
from router.settings.own_addresses import own_addresses, own_side
from router.status_links import LASTS, CaseLink, LinkKind, case_key, write_case_token
from store.db.keys import desk_key
from workers.training.learn import LearntClassifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Brain:
    """Everything that a decision needs besides the message and its history.

    own: our mail addresses, in lower case.  side: all of our side's.  key: signs thread tokens.
    """

    settings: Settings
    classifier: Classifies
    table: RoutingTable
    own: frozenset[str]
    side: OwnSide
    key: bytes

    def read_batch(self, envelopes: Sequence[Envelope]) -> list[Analysis]:
        """Analyse envelopes with this desk's settings; the results are in the same order."""
        authserv_id = self.settings.believed_authserv_id
        return read_batch(
            envelopes,
            classifier=self.classifier,
            own=self.own,
            side=self.side,
            authserv_id=authserv_id,
            key=self.key,
        )

    def understand_batch(self, texts: Sequence[str]) -> list[tuple[Classification, str]]:
        """Classify texts like the text of a message; return each answer with its masked text."""
        masked = [mask(text).text for text in texts]
        return list(zip(self.classifier.classify_batch(texts, masked=masked), masked, strict=True))

    @property
    def handed_out(self) -> Mapping[str, Mode]:
        """Return the teams with automatic assignment, and their mode."""
        teams = self.settings.teams.items()
        return {name: team.assign for name, team in teams if team.assign != "manual"}

    def join_within(self, channel: str) -> timedelta | None:
        """Return how long a chat message joins its sender's open conversation; None on mail channels."""
        configured = self.settings.channels.get(channel)
        return configured.joins_within if configured else None

    def passive_for(self, channel: str) -> timedelta:
        """Return for how long an automatic reply waits to leave in the response to its message."""
        configured = self.settings.channels.get(channel)
        return configured.passive_for if configured else timedelta(0)

    def address_of(self, channel: str) -> str:
        """Return the channel's sender address; empty if it has none."""
        configured = self.settings.channels.get(channel)
        return (configured.address or "") if configured else ""

    def status_link(self, conversation_id: UUID, *, now: datetime) -> str:
        """Return the link to a case's status page, valid for a limited time; empty if the desk has no public URL.

        A desk whose mail stays in its outbox is tried on its own machine, where its own address leads there.
        """
        omniyard = self.settings.omniyard
        is_tried = any(channel.keeps_outbox for channel in self.settings.channels.values())
        base = omniyard.public_url or (f"http://{omniyard.listen}" if is_tried else "")
        link = CaseLink(LinkKind.CONVERSATION, conversation_id, now + LASTS)
        return f"{base}/case/{write_case_token(case_key(self.key), link)}" if base else ""


def build_brain(settings: Settings, *, key: bytes | None = None, classifier: Classifies | None = None) -> Brain:
    """Build the brain of the operator's file.

    key: signs thread tokens; None means the desk's own.
    classifier: None means the desk's own, with the model in force; a worker reloads it when the model changes.
    """
    return Brain(
        settings=settings,
        classifier=classifier or LearntClassifier(settings),
        table=build_table(settings),
        own=own_addresses(settings),
        side=own_side(settings),
        key=desk_key(settings, purpose="thread tokens") if key is None else key,
    )

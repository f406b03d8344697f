"""The operations that a run measures, each by the product's own functions, with another object at each call."""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from api.rest.queries import read_list
from benchmarks.growth.desk import GrowthDesk, Mail
from connectors.watchdog import Watchdog
from router.conversation_status import Status
from router.text.search_terms import read_query
from store.conversations.lists import Filter
from store.conversations.messages import attachments_of, messages_of, outbound_of
from store.conversations.read import find_conversation
from store.conversations.search import find_messages
from store.conversations.similar import similar_to
from store.db.engine import read_clock
from store.desk.inbox_counts import count_all
from store.desk.name_search import find_people
from store.inbound.claims import claim_batch
from store.inbound.known_conversations import conversations_by_message_id, recent_conversations
from store.inbound.known_messages import messages_like, recently_said, sent_by_us
from workers.chores.assign import Assigner
from workers.chores.ratings import RatingAsker
from workers.chores.sweep import Sweep
from workers.chores.unanswered_alarms import AlarmEscalator

_PAGE: Final = 50
_LATER_PAGES: Final = 4
_SAMPLE: Final = 200
WAITING: Final = 200
_A_CLAIM: Final = 100
_RECENT: Final = timedelta(days=3)
_NUMBER: Final = re.compile(r"\b\d{10}\b")
_STOPPED: Final = threading.Event()
# Message-IDs of mails of runs (`look_at`'s prefix); those of the load are hexadecimal or of its patterns.
OWN_MAILS: Final = "s%t%n%@customers.example"


@dataclass(frozen=True, slots=True)
class Known:
    """What one database has, for the calls: of conversations spread over its two years.

    common, rare: words of its texts.  numbers: each in one text.
    """

    conversations: Sequence[UUID]
    references: Sequence[str]
    contacts: Sequence[UUID]
    customers: Sequence[tuple[str, str]]
    message_ids: Sequence[str]
    fingerprints: Sequence[str]
    common: Sequence[str]
    rare: Sequence[str]
    numbers: Sequence[str]


@dataclass(slots=True)
class Subject:
    """A desk on one of the databases, and what is known of it. mails: how many it was sent by this run."""

    desk: GrowthDesk
    known: Known
    prefix: str
    sweep: Sweep = field(init=False)
    mails: int = 0

    def __post_init__(self) -> None:
        database, brain = self.desk.database, self.desk.brain
        chores = (
            self.desk.watch,
            AlarmEscalator(database, brain),
            Assigner(database, brain),
            RatingAsker(database, brain),
        )
        self.sweep = Sweep(self.desk.router, stopped=_STOPPED, watchdog=Watchdog(), chores=chores)

    def new_mails(self, count: int) -> list[Mail]:
        """Return mails: a fifth answers an older mail of its customer, the others are of new customers."""
        self.mails += count
        return [self._mail(number) for number in range(self.mails - count, self.mails)]

    def _mail(self, number: int) -> Mail:
        key = f"{self.prefix}{number}"
        text = f"My payment failed and the money is gone, order {number:09d}. Please look at {key}."
        if number % 5:
            return Mail(
                key=key, sender=f"new.{key}@customers.example", name=f"New {key}", subject=f"Help {key}", text=text
            )
        at = number // 5 * 7 % len(self.known.message_ids)
        name, handle = self.known.customers[at]
        return Mail(key=key, sender=handle, name=name, subject="Re: A question", text=text,
                    answers=self.known.message_ids[at])  # fmt: skip


def look_at(desk: GrowthDesk, *, prefix: str) -> Subject:
    """Return a desk as a subject of measurements. prefix: of the keys of its mails, unique in its database."""
    ids = _spread(desk)
    with desk.database.read() as connection:
        rows = [find_conversation(connection, each) for each in ids]
        openings = [messages_of(connection, each, limit=6)[0] for each in ids]
        words = _words([message.text for message in openings])
        prints = connection.execute(
            sa.text("SELECT fingerprint FROM message WHERE id = :id").columns(sa.column("fingerprint", sa.Text())),
            {"id": _stored(desk, openings[0].id)},
        ).scalars()
        fingerprints = [str(each) for each in prints]
    known = Known(
        conversations=[row.id for row in rows],
        references=[row.reference for row in rows],
        contacts=[row.contact_id for row in rows],
        customers=[(message.sender_name, message.sender_handle) for message in openings],
        message_ids=[message.rfc_message_id or "" for message in openings],
        fingerprints=fingerprints,
        common=words[:10],
        rare=words[-_PAGE:],
        numbers=[number for message in openings for number in _NUMBER.findall(message.text)],
    )
    return Subject(desk, known, prefix)


def _spread(desk: GrowthDesk) -> list[UUID]:
    """Return conversations from all over the table, by ids between the first and the last."""
    with desk.database.read() as connection:
        ends = connection.execute(
            sa.text("SELECT min(CAST(id AS text)), max(CAST(id AS text)) FROM conversation")
        ).one()
    first, last = (UUID(each).int for each in ends)
    dice = random.Random(3)
    found: list[UUID] = []
    query = sa.text("SELECT id FROM conversation WHERE id >= :id ORDER BY id LIMIT 1")
    with desk.database.read() as connection:
        for _ in range(_SAMPLE):
            value = _stored(desk, UUID(int=dice.randint(first, last)))
            row = connection.execute(query, {"id": value}).scalar()
            if row is not None:
                found.append(row if isinstance(row, UUID) else UUID(str(row)))
    return found


def _stored(desk: GrowthDesk, value: UUID) -> object:
    return value.hex if desk.database.is_sqlite else value


def _words(texts: Sequence[str]) -> list[str]:
    """Return words of the texts, frequent ones first."""
    counts: dict[str, int] = {}
    for word in " ".join(texts).split():
        if word.isascii() and word.isalpha() and word.islower() and len(word) > 4:
            counts[word] = counts.get(word, 0) + 1
    return sorted(counts, key=lambda word: (-counts[word], word))


Call = Callable[[Subject, int], object]


def reading(do: Callable[[Connection, Subject, int], object]) -> Call:
    """Return a call in a transaction that reads."""

    def call(subject: Subject, number: int) -> object:
        with subject.desk.database.read() as connection:
            return do(connection, subject, number)

    return call


def _list(connection: Connection, *_: object) -> object:
    return read_list(connection, _INBOX, after=None, limit=_PAGE)


def _counts(connection: Connection, *_: object) -> object:
    return count_all(connection, agent="Ann", now=read_clock(connection))


def _later_page(connection: Connection, *_: object) -> object:
    after: Any = None
    for _page in range(_LATER_PAGES):
        rows, after = read_list(connection, _INBOX, after=after, limit=_PAGE)
        if after is None:
            return rows
    return read_list(connection, _INBOX, after=after, limit=_PAGE)


def _open(connection: Connection, subject: Subject, number: int) -> object:
    key = _of(subject.known.conversations, number)
    found = find_conversation(connection, key)
    messages = messages_of(connection, found.id, limit=_PAGE)
    attachments_of(connection, [each.id for each in messages])
    outbound_of(connection, found.id)
    return similar_to(connection, found.id, now=read_clock(connection))


def _by_name(connection: Connection, subject: Subject, number: int) -> object:
    name, handle = _of(subject.known.customers, number)
    return find_people(connection, handle if number % 2 else name, only_teams=None, limit=20)


def _common_word(connection: Connection, subject: Subject, number: int) -> object:
    return find_messages(connection, read_query(_of(subject.known.common, number)), limit=20)


def _rare_word(connection: Connection, subject: Subject, number: int) -> object:
    return find_messages(connection, read_query(_of(subject.known.rare, number)), limit=20)


def _number(connection: Connection, subject: Subject, number: int) -> object:
    return find_messages(connection, read_query(_of(subject.known.numbers, number)), limit=20)


def _by_reference(connection: Connection, subject: Subject, number: int) -> object:
    return find_conversation(connection, _of(subject.known.references, number))


def _thread(connection: Connection, subject: Subject, number: int) -> object:
    message_ids, contacts = {_of(subject.known.message_ids, number)}, {_of(subject.known.contacts, number)}
    conversations_by_message_id(connection, message_ids, contacts=contacts)
    sent_by_us(connection, message_ids)
    return recent_conversations(connection, contacts=contacts, since=datetime.now(UTC) - _RECENT)


def _duplicates(connection: Connection, subject: Subject, number: int) -> object:
    contacts = {_of(subject.known.contacts, number)}
    message_ids = {_of(subject.known.message_ids, number)}
    recently_said(connection, contacts=contacts, since=datetime.now(UTC) - _RECENT)
    said = {(contact, fingerprint) for contact in contacts for fingerprint in subject.known.fingerprints}
    return messages_like(connection, said=said, message_ids=message_ids, hashes=set())


def _claim(subject: Subject, _: int) -> object:
    """Claim a batch, and take the claim back, so that the next call finds the same."""
    with subject.desk.database.engine.connect() as connection, connection.begin() as transaction:
        claimed = claim_batch(connection, limit=_A_CLAIM)
        transaction.rollback()
    return claimed


def _sweep(subject: Subject, _: int) -> object:
    return subject.sweep.once()


def _of(values: Sequence[Any], number: int) -> Any:  # noqa: ANN401  (one of the values)
    return values[number * 13 % len(values)]


_INBOX: Final = Filter(statuses=[Status.OPEN], danger_first=True)

# In the order of measuring. The claim comes last: it needs mail that waits.
OPERATIONS: Final[Mapping[str, Call]] = {
    "list, first page": reading(_list),
    "list, its counts": reading(_counts),
    "list, pages 1 to 5": reading(_later_page),
    "open a conversation": reading(_open),
    "search, a name": reading(_by_name),
    "search, a common word": reading(_common_word),
    "search, a less common word": reading(_rare_word),
    "search, a number": reading(_number),
    "search, a reference": reading(_by_reference),
    "find a thread": reading(_thread),
    "find duplicates": reading(_duplicates),
    "sweep, nothing due": _sweep,
    "claim a page of 100": _claim,
}

"""Copies of patterns: the same rows with other ids, times, customers, words and numbers."""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Final
from uuid import UUID

from zstandard import ZstdCompressor

from benchmarks.growth.patterns import TABLES, Pattern, RawCell
from benchmarks.growth.raw_rows import RawRow
from store.db.encryption import Sealer
from store.db.ids import new_reference
from store.tables.messages import digest

_SYLLABLES: Final = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
_VOCABULARY: Final = 30_000
_GIVEN_NAMES, _FAMILY_NAMES = 500, 3_000
# Of the customers who write, those who wrote before, and how many of them are remembered.
_KNOWN: Final = 0.3
_MOST_KNOWN: Final = 50_000
# Of the conversations, those whose texts count as equal to many others': short complaints, forms.
_ALIKE: Final = 0.1
# Of the conversations, those that wait for an agent, and how many at most: the agents of any desk keep up.
OPEN: Final = 0.03
MOST_OPEN: Final = 2_000
_SHORTEST, _LONGEST = 600.0, 3 * 86_400.0
_LEVEL: Final = 1
# The hash of an original, in hexadecimals: it is each mail's own.
_OF_SHA256: Final = 64


@dataclass(slots=True)
class Batch:
    """Rows to write. people: new contacts with their name and handle.  indexed: messages with their words."""

    rows: dict[str, list[RawRow]] = field(default_factory=lambda: {table: [] for table in TABLES})
    people: dict[UUID, tuple[str, str]] = field(default_factory=dict)
    indexed: list[tuple[UUID, str]] = field(default_factory=list)

    @property
    def messages(self) -> int:
        """How many messages it has."""
        return len(self.rows["message"])


@dataclass(frozen=True, slots=True)
class _Customer:
    contact_id: UUID
    first: str
    last: str
    handle: str


class Copier:
    """Makes copies of patterns. sealer: of the database.  first_event: the newest event's number.

    is_open: how many open conversations there are already.
    """

    def __init__(
        self, patterns: Sequence[Pattern], *, sealer: Sealer, first_event: int, is_open: int, seed: int
    ) -> None:
        self._closed = [each for each in patterns if not each.is_open]
        self._open = [each for each in patterns if each.is_open]
        self._sealer, self._event, self._dice = sealer, first_event, random.Random(seed)
        self._is_open = is_open
        self._pack = ZstdCompressor(level=_LEVEL).compress
        words = random.Random(1)
        self._words = [_pseudo_word(words, syllables=words.randint(2, 4)) for _ in range(_VOCABULARY)]
        self._weights = list(accumulate(1 / (rank + 3) for rank in range(_VOCABULARY)))
        self._first = [_pseudo_word(words, syllables=2).title() for _ in range(_GIVEN_NAMES)]
        self._last = [_pseudo_word(words, syllables=3).title() for _ in range(_FAMILY_NAMES)]
        self._customers: list[_Customer] = []

    def add(self, batch: Batch, *, at: datetime, now: datetime) -> None:
        """Add the copy of a pattern to a batch. at: when the customer wrote; an open one begins just before `now`."""
        if self._is_open < MOST_OPEN and self._dice.random() < OPEN:
            self._is_open += 1
            pattern = self._dice.choice(self._open)
            lasts = pattern.lasted
            at = now - timedelta(seconds=lasts + self._dice.random() * 1800)
        else:
            pattern, lasts = self._dice.choice(self._closed), self._dice.uniform(_SHORTEST, _LONGEST)
        slots, ids = self._slots(pattern, at=at, lasts=lasts)
        known = self._known_customer()
        customer = known or self._new_customer(ids[pattern.contact])
        slots |= {f"u{pattern.contact}": str(customer.contact_id), f"h{pattern.contact}": customer.contact_id.hex}
        slots |= {"first": customer.first, "last": customer.last, "customer": customer.handle}
        self._seal(pattern, slots)
        for table, rows in pattern.rows.items():
            if known is None or table not in {"contact", "identity"}:
                batch.rows[table] += [tuple(self._filled(cell, slots) for cell in row) for row in rows]
        if known is None:
            names = (f"{customer.first} {customer.last}", f"{customer.handle}@customers.example")
            batch.people[customer.contact_id] = names
        batch.indexed += [(ids[slot.removeprefix("u")], words % slots) for slot, words in pattern.indexed]

    def _slots(self, pattern: Pattern, *, at: datetime, lasts: float) -> tuple[dict[str, str], dict[str, UUID]]:
        stretch, started = lasts / pattern.lasted, int(pattern.started.timestamp() * 1000)
        begins, longer = int(at.timestamp() * 1000), lasts - pattern.lasted
        ids: dict[str, UUID] = {}
        for number, old in pattern.ids.items():
            moment = begins + int(_moved((old - started) / 1000, pattern.lasted, stretch, longer) * 1000)
            ids[number] = _id_at(moment)
        slots = {f"u{number}": str(each) for number, each in ids.items()}
        slots |= {f"h{number}": each.hex for number, each in ids.items()}
        for slot, (offset, form) in pattern.times.items():
            moved = at + timedelta(seconds=_moved(offset, pattern.lasted, stretch, longer))
            slots[slot] = _as(moved, form)
        reference = new_reference()
        slots |= {"reference": reference, "reference_lower": reference.lower()}
        slots |= {f"k{number}": secrets.token_hex(8) for number in range(pattern.messages)}
        words = self._dice.choices(self._words, cum_weights=self._weights, k=pattern.words)
        slots |= {f"w{number}": word for number, word in enumerate(words)}
        slots |= {f"n{number}": f"{self._dice.randrange(10**9, 10**10)}" for number in range(pattern.numbers)}
        alike = self._dice.random() < _ALIKE
        for slot, length in pattern.randoms.items():
            shared = alike and length < _OF_SHA256
            slots[slot] = slot.encode().hex().rjust(length, "a") if shared else secrets.token_hex(length // 2)
        for slot, name in pattern.digests.items():
            slots[slot] = digest(name % slots).hex()
        return slots, ids

    def _seal(self, pattern: Pattern, slots: dict[str, str]) -> None:
        for slot, template in pattern.sealed.items():
            text = template % slots
            if slot.startswith("e"):
                slots[slot] = self._sealer.seal_text(text)
            else:
                slots[slot] = self._sealer.seal(self._pack(text.encode())).hex()

    def _filled(self, cell: RawCell, slots: dict[str, str]) -> Any:  # noqa: ANN401  (as the driver takes it)
        if cell.kind == "text":
            return cell.value % slots
        if cell.kind == "blob":
            return bytes.fromhex(cell.value % slots)
        if cell.kind == "number":
            self._event += 1
            return str(self._event)
        return cell.value

    def _known_customer(self) -> _Customer | None:
        return self._dice.choice(self._customers) if self._customers and self._dice.random() < _KNOWN else None

    def _new_customer(self, contact_id: UUID) -> _Customer:
        first, last = self._dice.choice(self._first), self._dice.choice(self._last)
        made = _Customer(contact_id, first, last, f"{first.lower()}.{last.lower()}.{secrets.token_hex(3)}")
        if len(self._customers) < _MOST_KNOWN:
            self._customers.append(made)
        else:
            self._customers[self._dice.randrange(_MOST_KNOWN)] = made
        return made


def _moved(offset: float, lasted: float, stretch: float, longer: float) -> float:
    """Return where a moment of a pattern is in a copy that takes longer: later ones, such as promises, move along."""
    return offset * stretch if offset <= lasted else offset + longer


def _id_at(milliseconds: int) -> UUID:
    """Return an id of version 7 of this moment."""
    high = milliseconds << 16 | 0x7000 | secrets.randbits(12)
    return UUID(int=high << 64 | 0b10 << 62 | secrets.randbits(62))


def _as(moment: datetime, form: str) -> str:
    """Return a moment in the form of another."""
    written = moment.isoformat(sep="T" if "T" in form else " ", timespec="microseconds")[:26]
    return written + form[-1:] * form.endswith("Z") + "+00" * form.endswith("+00")


def _pseudo_word(dice: random.Random, *, syllables: int) -> str:
    return "".join(dice.choices(_SYLLABLES, k=syllables))

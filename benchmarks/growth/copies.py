"""Copies of patterns: the same rows with other ids, times, customers, words and numbers."""

from __future__ import annotations

import random
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, Final

from zstandard import ZstdCompressor

from benchmarks.growth.patterns import TABLES, Pattern, RawCell
from benchmarks.growth.raw_rows import RawRow
from store.db.encryption import Sealer
from store.db.ids import new_reference
from store.tables.messages import digest

_SYLLABLES: Final = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
_VOCABULARY: Final = 30_000
# Each word stands in the pool as often as it is frequent, the rarest four times: a choice without weights is quick.
_POOL: Final = 1_000_000
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
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Where an event's number belongs: it is known when the rows before it are written.
NUMBER: Final = "\x01"
_SLOT: Final = re.compile(r"%\((\w+)\)s")
# Of a customer who wrote before, they are there.
_OF_A_NEW_CUSTOMER: Final = frozenset({"contact", "identity"})


@dataclass(slots=True)
class Batch:
    """What to write. lines: of PostgreSQL's COPY, by table.  rows: of SQLite.

    people: new contacts with their name and handle.  indexed: messages with their words.
    """

    messages: int = 0
    events: int = 0
    lines: dict[str, list[str]] = field(default_factory=lambda: {table: [] for table in TABLES})
    rows: dict[str, list[RawRow]] = field(default_factory=lambda: {table: [] for table in TABLES})
    people: list[tuple[str, str, str]] = field(default_factory=list)
    indexed: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Customer:
    contact_id: str
    first: str
    last: str
    handle: str


@dataclass(frozen=True, slots=True)
class _Made:
    """A pattern, prepared. lines: by table, all its rows as one template; empty on SQLite.

    hexadecimals: the ids that are also written without hyphens.  events: how many it has.
    """

    pattern: Pattern
    lines: Mapping[str, str]
    hexadecimals: frozenset[str]
    events: int


class Copier:
    """Makes copies of patterns. sealer: of the database.  most_open: how many copies may wait for an agent.

    as_lines: whether the database takes lines (PostgreSQL), or rows.
    """

    def __init__(
        self, patterns: Sequence[Pattern], *, sealer: Sealer, most_open: int, as_lines: bool, seed: int
    ) -> None:
        made = [_made(each, as_lines=as_lines) for each in patterns]
        self._closed = [each for each in made if not each.pattern.is_open]
        self._open = [each for each in made if each.pattern.is_open]
        self._sealer, self._dice = sealer, random.Random(seed)
        self._open_left = most_open
        self._pack = ZstdCompressor(level=_LEVEL).compress
        words = random.Random(1)
        vocabulary = [_pseudo_word(words, syllables=words.randint(2, 4)) for _ in range(_VOCABULARY)]
        self._words = _pool(vocabulary)
        self._first = [_pseudo_word(words, syllables=2).title() for _ in range(_GIVEN_NAMES)]
        self._last = [_pseudo_word(words, syllables=3).title() for _ in range(_FAMILY_NAMES)]
        self._customers: list[_Customer] = []

    def add(self, batch: Batch, *, at: datetime, now: datetime) -> None:
        """Add the copy of a pattern to a batch. at: when the customer wrote; an open one begins just before `now`."""
        if self._open_left and self._dice.random() < OPEN:
            self._open_left -= 1
            made = self._dice.choice(self._open)
            lasts = made.pattern.lasted
            at = now - timedelta(seconds=lasts + self._dice.random() * 1800)
        else:
            made, lasts = self._dice.choice(self._closed), self._dice.uniform(_SHORTEST, _LONGEST)
        slots = self._slots(made, at=at, lasts=lasts)
        pattern = made.pattern
        known = self._known_customer()
        customer = known or self._new_customer(slots[f"u{pattern.contact}"])
        slots[f"u{pattern.contact}"] = customer.contact_id
        slots[f"h{pattern.contact}"] = customer.contact_id.replace("-", "")
        slots |= {"first": customer.first, "last": customer.last, "customer": customer.handle}
        self._seal(pattern, slots)
        batch.messages += pattern.messages
        batch.events += made.events
        batch.indexed += [(slots[slot], words % slots) for slot, words in pattern.indexed]
        if known is None:
            names = (f"{customer.first} {customer.last}", f"{customer.handle}@customers.example")
            batch.people.append((customer.contact_id, *names))
        _fill(batch, made, slots, is_known=known is not None)

    def _slots(self, made: _Made, *, at: datetime, lasts: float) -> dict[str, str]:
        pattern, bits = made.pattern, self._dice.getrandbits
        stretch, started = lasts / pattern.lasted, int(pattern.started.timestamp() * 1000)
        begins, longer = (at - _EPOCH).total_seconds(), lasts - pattern.lasted
        slots: dict[str, str] = {}
        for number, old in pattern.ids.items():
            moved = begins + _moved((old - started) / 1000, pattern.lasted, stretch, longer)
            plain = _id_at(int(moved * 1000), bits(74))
            slots[f"u{number}"] = f"{plain[:8]}-{plain[8:12]}-{plain[12:16]}-{plain[16:20]}-{plain[20:]}"
            if number in made.hexadecimals:
                slots[f"h{number}"] = plain
        for slot, (offset, form) in pattern.times.items():
            slots[slot] = _as(at + timedelta(seconds=_moved(offset, pattern.lasted, stretch, longer)), form)
        reference = new_reference()
        slots |= {"reference": reference, "reference_lower": reference.lower()}
        slots |= {f"k{number}": f"{bits(64):016x}" for number in range(pattern.messages)}
        words = self._dice.choices(self._words, k=pattern.words)
        slots |= {f"w{number}": word for number, word in enumerate(words)}
        slots |= {f"n{number}": f"{self._dice.randrange(10**9, 10**10)}" for number in range(pattern.numbers)}
        alike = self._dice.random() < _ALIKE
        for slot, length in pattern.randoms.items():
            shared = alike and length < _OF_SHA256
            slots[slot] = slot.encode().hex().rjust(length, "a") if shared else f"{bits(4 * length):0{length}x}"
        for slot, name in pattern.digests.items():
            slots[slot] = digest(name % slots).hex()
        return slots

    def _seal(self, pattern: Pattern, slots: dict[str, str]) -> None:
        for slot, template in pattern.sealed.items():
            text = template % slots
            if slot.startswith("e"):
                slots[slot] = self._sealer.seal_text(text)
            else:
                slots[slot] = self._sealer.seal(self._pack(text.encode())).hex()

    def _known_customer(self) -> _Customer | None:
        return self._dice.choice(self._customers) if self._customers and self._dice.random() < _KNOWN else None

    def _new_customer(self, contact_id: str) -> _Customer:
        first, last = self._dice.choice(self._first), self._dice.choice(self._last)
        made = _Customer(contact_id, first, last, f"{first.lower()}.{last.lower()}.{secrets.token_hex(4)}")
        if len(self._customers) < _MOST_KNOWN:
            self._customers.append(made)
        else:
            self._customers[self._dice.randrange(_MOST_KNOWN)] = made
        return made


def _made(pattern: Pattern, *, as_lines: bool) -> _Made:
    cells = [cell for rows in pattern.rows.values() for row in rows for cell in row]
    templates = [*(str(each.value) for each in cells), *pattern.sealed.values(), *pattern.digests.values()]
    used = {slot for each in templates for slot in _SLOT.findall(each)}
    return _Made(
        pattern=pattern,
        lines={table: "".join(map(_line, rows)) for table, rows in pattern.rows.items()} if as_lines else {},
        hexadecimals=frozenset(slot[1:] for slot in used if slot.startswith("h")),
        events=len(pattern.rows["event"]),
    )


def _line(row: Iterable[RawCell]) -> str:
    return "\t".join(NUMBER if cell.kind == "number" else cell.value for cell in row) + "\n"


def _fill(batch: Batch, made: _Made, slots: Mapping[str, str], *, is_known: bool) -> None:
    for table, rows in made.pattern.rows.items():
        if is_known and table in _OF_A_NEW_CUSTOMER:
            continue
        if made.lines:
            batch.lines[table].append(made.lines[table] % slots)
        else:
            batch.rows[table] += [tuple(_filled(cell, slots) for cell in row) for row in rows]


def _filled(cell: RawCell, slots: Mapping[str, str]) -> Any:  # noqa: ANN401  (as the driver takes it)
    if cell.kind == "text":
        return cell.value % slots
    if cell.kind == "blob":
        return bytes.fromhex(cell.value % slots)
    return NUMBER if cell.kind == "number" else cell.value


def _moved(offset: float, lasted: float, stretch: float, longer: float) -> float:
    """Return where a moment of a pattern is in a copy that takes longer: later ones, such as promises, move along."""
    return offset * stretch if offset <= lasted else offset + longer


def _id_at(milliseconds: int, random_bits: int) -> str:
    """Return the hexadecimals of an id of version 7 of this moment. random_bits: 74 of them."""
    high = milliseconds << 16 | 0x7000 | random_bits >> 62
    return f"{high << 64 | 0b10 << 62 | random_bits & (1 << 62) - 1:032x}"


def _as(moment: datetime, form: str) -> str:
    """Return a moment in the form of another: PostgreSQL's, SQLite's or JSON's."""
    if form.endswith("Z"):
        return f"{moment.isoformat(timespec='microseconds')[:26]}Z"
    written = moment.isoformat("T" if "T" in form else " ", "microseconds")[:26]
    return f"{written}+00" if form.endswith("+00") else written


def _pool(words: Sequence[str]) -> list[str]:
    """Return the words, each as often as it is frequent among this many: the first ones most."""
    weights = [1 / (rank + 3) for rank in range(len(words))]
    *_, whole = accumulate(weights)
    return [word for word, weight in zip(words, weights, strict=True) for _ in range(round(_POOL * weight / whole))]


def _pseudo_word(dice: random.Random, *, syllables: int) -> str:
    return "".join(dice.choices(_SYLLABLES, k=syllables))

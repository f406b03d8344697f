"""Patterns: conversations that the product really routed, answered and closed, as templates of all their rows."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from zstandard import ZstdDecompressor

from benchmarks.growth.desk import GrowthDesk, Mail
from benchmarks.growth.raw_rows import RawRow, columns_of, filled_tables, new_rows
from router.text.search_terms import words_to_index
from store.db.encryption import Sealer
from store.db.engine import Database
from store.tables.messages import digest

# What a routed mail leaves, each table after those that it refers to. `search_entry` and `search_term` are written by
# the product's own functions.
TABLES: Final = (
    "contact", "identity", "inbound", "original", "conversation", "message", "thread_key", "outbound", "pause", "event",
)  # fmt: skip
# Of the desk, or of a page of any number of mails.
_NOT_OF_A_MAIL: Final = frozenset(
    {"desk_state", "gate_tally", "search_term", "agent", "agent_skill", "lease", "cursor"}
)
_NUMBERED: Final = ("event", "number")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00|Z)?")
# How many messages the conversations of one round of patterns have, our answers with them.
LENGTHS: Final = (1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4, 5, 6)
_OPEN_LENGTHS: Final = (1, 1, 3)
# How long a conversation is, and whether it stays open.
SHAPES: Final = (*((length, False) for length in LENGTHS), *((length, True) for length in _OPEN_LENGTHS))
_TEXTS: Final = (
    "I cannot log in {w}, it says {w} locked. Order {n}.\n\nThanks, {w} {w}",
    "The {w} payment failed {w} but the money was taken {w} on Friday, order {n}. Please {w} look.",
    "退款申请一周了还没有到，订单号 {n}，{w} {w} 请尽快处理。{w}",
    "When will my refund for {w} order {n} arrive? I {w} wait {w} since {w} days.",
    "忘记登录密码了，{w} 怎么重置？账户 {n} {w}",
    "How do I remove an old {w} card from the {w} app? It shows {w} error {n} {w}.",
)
_ANSWER: Final = "Hello, we looked at your {w} case {w}. Please try {w} once more and tell us about {w}."


@dataclass(frozen=True, slots=True)
class RawCell:
    """A column of a row. kind: "text" and "blob" are templates, "value" is what it is."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Pattern:
    """One conversation. rows: by table, each cell a template or a value; blobs are templates of their hexadecimals.

    ids, times: by slot, the moment in milliseconds or seconds after `started`.  lasted: seconds, to its last message.
    contact: the number of its contact's id.  digests: slot -> a template of a Message-ID, for its digest.  sealed: slot -> a template of what is sealed there.
    indexed: of each message, its id's slot and a template of its words.
    """

    messages: int
    is_open: bool
    contact: str
    started: datetime
    lasted: float
    rows: Mapping[str, Sequence[tuple[RawCell, ...]]]
    ids: Mapping[str, int]
    times: Mapping[str, tuple[float, str]]
    digests: Mapping[str, str]
    sealed: Mapping[str, str]
    randoms: Mapping[str, int]
    indexed: Sequence[tuple[str, str]]
    words: int
    numbers: int


@dataclass(slots=True)
class _Marks:
    """What a pattern's copy writes otherwise. slots: the text as it stands in the rows -> the name in the templates."""

    slots: dict[str, str] = field(default_factory=dict)
    words: int = 0
    numbers: int = 0

    def word(self) -> str:
        """Return a word that no text has."""
        self.words += 1
        return self._marked(f"qzw{_letters(self.words)}", f"w{self.words - 1}")

    def number(self) -> str:
        """Return a number that no text has."""
        self.numbers += 1
        return self._marked(f"{13579000000 + self.numbers}", f"n{self.numbers - 1}")

    def _marked(self, text: str, slot: str) -> str:
        self.slots[text] = slot
        return text

    def written(self, text: str) -> str:
        """Return the text with words and numbers of this pattern."""
        text = re.sub(r"\{w\}", lambda _: self.word(), text)
        return re.sub(r"\{n\}", lambda _: self.number(), text)

    def template(self, text: str) -> str:
        """Return the text with its slots, for the operator %."""
        return self._finder.sub(lambda found: f"%({self.slots[found[0]]})s", text.replace("%", "%%"))

    @property
    def _finder(self) -> re.Pattern[str]:
        return re.compile("|".join(re.escape(text) for text in sorted(self.slots, key=len, reverse=True)))


def make_patterns(desk: GrowthDesk, *, shapes: Sequence[tuple[int, bool]]) -> list[Pattern]:
    """Let an empty desk handle conversations of these shapes, and return their patterns.

    Raises RuntimeError when they leave rows in a table that is not copied.
    """
    known: dict[str, set[RawRow]] = {table: set() for table in TABLES}
    patterns = []
    for number, (length, is_open) in enumerate(shapes):
        marks = _lived(desk, number, length=length, is_open=is_open)
        patterns.append(_read(desk.database, marks, known=known, is_open=is_open))
    if left := filled_tables(desk.database) - {*TABLES} - _NOT_OF_A_MAIL:
        raise RuntimeError(f"the patterns left rows in {', '.join(sorted(left))}, which are not copied")
    return patterns


def _lived(desk: GrowthDesk, number: int, *, length: int, is_open: bool) -> _Marks:
    """Let a customer write, an agent answer, and so on."""
    marks, key = _Marks(), f"qzk{_letters(number + 1)}x"
    first, last = f"Qzf{_letters(number + 1)}", f"Qzl{_letters(number + 1)}"
    sender = f"qzc{_letters(number + 1)}"
    marks.slots |= {first: "first", last: "last", sender: "customer"}
    subject = marks.written("A question about {w} {w}")
    before, conversation = "", UUID(int=0)
    for step in range(length):
        marks.slots[f"{key}{step}"] = f"k{step}"
        if step % 2:
            desk.answer(conversation, key=f"{key}{step}", text=marks.written(_ANSWER))
        else:
            text = marks.written(_TEXTS[(number + step) % len(_TEXTS)])
            mail = Mail(key=f"{key}{step}", sender=f"{sender}@customers.example", name=f"{first} {last}",
                        subject=f"Re: {subject}" if step else subject, text=text, answers=before)  # fmt: skip
            desk.route([mail])
            before = mail.message_id
            conversation = conversation if step else desk.newest_conversation()
        desk.settle()
    if not is_open:
        desk.resolve(conversation)
        desk.settle()
    return marks


def _read(database: Database, marks: _Marks, *, known: Mapping[str, set[RawRow]], is_open: bool) -> Pattern:
    found = new_rows(database, TABLES, known)
    cells = {table: [dict(zip(columns_of(table), row, strict=True)) for row in rows] for table, rows in found.items()}
    plain = _opened(cells, database.sealer)
    ids = _mark_ids(marks, cells)
    reference = str(cells["conversation"][0]["reference"])
    marks.slots |= {reference: "reference", reference.lower(): "reference_lower"}
    # What the copies' Message-IDs are made of is marked by now.
    digests = _mark_digests(marks, cells)
    randoms = _mark_randoms(marks, cells)
    started = min(_moment(str(row["received_at"])) for row in cells["inbound"])
    times = _mark_times(marks, [*_texts_of(cells), *plain.values()], started=started)
    last = max(_moment(str(row["received_at"])) for row in cells["message"])
    indexed = [
        (marks.slots[_id(row["id"])], marks.template(words_to_index(str(row["subject"]), _unescaped(row["text"]))))
        for row in cells["message"]
    ]
    return Pattern(
        messages=len(cells["message"]),
        is_open=is_open,
        contact=marks.slots[_id(cells["contact"][0]["id"])].removeprefix("u"),
        started=started,
        lasted=max(1e-3, (last - started).total_seconds()),
        rows={table: [_templates(marks, table, row) for row in rows] for table, rows in cells.items()},
        ids=ids,
        times=times,
        digests=digests,
        sealed={slot: marks.template(text) for slot, text in plain.items()},
        randoms=randoms,
        indexed=indexed,
        words=marks.words,
        numbers=marks.numbers,
    )


def _templates(marks: _Marks, table: str, row: Mapping[str, Any]) -> tuple[RawCell, ...]:
    made: list[RawCell] = []
    for name, value in row.items():
        if (table, name) == _NUMBERED:
            made.append(RawCell("number", None))
        elif isinstance(value, RawCell):
            made.append(value)
        elif isinstance(value, bytes):
            made.append(RawCell("blob", marks.template(value.hex())))
        elif isinstance(value, str):
            made.append(RawCell("text", marks.template(value)))
        else:
            made.append(RawCell("value", value))
    return tuple(made)


def _opened(cells: Mapping[str, list[dict[str, Any]]], sealer: Sealer) -> dict[str, str]:
    """Replace what is sealed by slots; return what was in them."""
    plain: dict[str, str] = {}
    for number, row in enumerate(cells["inbound"]):
        plain[f"e{number}"] = sealer.open_text(str(row["envelope"]))
        row["envelope"] = RawCell("text", f"%(e{number})s")
    for number, row in enumerate(cells["original"]):
        content = row["content"]
        slot = f"%(o{number})s"
        packed = content if isinstance(content, bytes) else bytes.fromhex(content.removeprefix("\\\\x"))
        plain[f"o{number}"] = ZstdDecompressor().decompress(sealer.open(packed)).decode()
        row["content"] = RawCell("blob", slot) if isinstance(content, bytes) else RawCell("text", f"\\\\x{slot}")
    return plain


def _mark_ids(marks: _Marks, cells: Mapping[str, list[dict[str, Any]]]) -> dict[str, int]:
    """Mark the ids of all rows, in both ways to write them; return their milliseconds."""
    found: dict[str, int] = {}
    for row in (row for rows in cells.values() for row in rows if "id" in row):
        own = UUID(row["id"])
        number = f"{len(found)}"
        marks.slots |= {str(own): f"u{number}", own.hex: f"h{number}"}
        found[number] = own.int >> 80
    return found


def _mark_digests(marks: _Marks, cells: Mapping[str, list[dict[str, Any]]]) -> dict[str, str]:
    names = {str(row["rfc_message_id"]) for table in ("message", "outbound") for row in cells[table]}
    wanted = {_hexadecimal(row["digest"]) for row in cells["thread_key"]}
    known = {digest(name).hex(): name for name in names}
    found = {f"d{number}": marks.template(known[each]) for number, each in enumerate(sorted(wanted))}
    marks.slots |= {each: f"d{number}" for number, each in enumerate(sorted(wanted))}
    return found


def _mark_randoms(marks: _Marks, cells: Mapping[str, list[dict[str, Any]]]) -> dict[str, int]:
    hashes = [_hexadecimal(row["content_hash"]) for row in cells["inbound"]]
    hashes += [row[name] for row in cells["message"] for name in ("fingerprint", "echo", "gist")]
    wanted = sorted({each for each in hashes if each})
    marks.slots |= {each: f"x{number}" for number, each in enumerate(wanted)}
    return {f"x{number}": len(each) for number, each in enumerate(wanted)}


def _mark_times(marks: _Marks, texts: Iterable[str], *, started: datetime) -> dict[str, tuple[float, str]]:
    """Mark the moments; return how many seconds after the start each is, and an example of its form."""
    written = {each for text in texts for each in _TIME.findall(text)}
    found: dict[str, tuple[float, str]] = {}
    for number, each in enumerate(sorted(written)):
        marks.slots[each] = f"t{number}"
        found[f"t{number}"] = ((_moment(each) - started).total_seconds(), each)
    return found


def _texts_of(cells: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    return (value for rows in cells.values() for row in rows for value in row.values() if isinstance(value, str))


def _id(value: str) -> str:
    return str(UUID(value))


def _hexadecimal(value: bytes | str) -> str:
    return value.hex() if isinstance(value, bytes) else value.removeprefix("\\\\x")


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _unescaped(text: str) -> str:
    """Return a text as it was before COPY wrote it; SQLite's are as they are, and none of these has a backslash."""
    return text.replace("\\n", "\n").replace("\\t", "\t")


def _letters(number: int) -> str:
    """Return a number in letters, because what has digits is read as one."""
    name = ""
    while number:
        number, rest = divmod(number, 26)
        name = string.ascii_lowercase[rest] + name
    return name

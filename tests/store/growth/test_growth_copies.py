"""The copies of `benchmarks.growth`, against the conversations that the product wrote and that they are copies of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from benchmarks.growth.batch_writer import write_batch
from benchmarks.growth.copies import Batch, Copier
from benchmarks.growth.desk import GrowthDesk, open_database
from benchmarks.growth.patterns import TABLES, Pattern, RawCell, make_patterns
from benchmarks.growth.raw_rows import key_of, read_raw
from benchmarks.growth.spare_indexes import build, missing_indexes, set_aside
from router.text.search_terms import read_query, words_to_index
from store.conversations.messages import messages_of
from store.conversations.search import find_messages
from store.db.engine import Database
from store.desk.name_search import find_people
from store.desk.names_index import words_of_person
from store.inbound.known_conversations import conversations_by_message_id

_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_NOW = datetime(2026, 9, 1, tzinfo=UTC)
_SLOT = re.compile(r"%\((\w+?)\)s")
# What a copy has in a slot, by the slot's first letter: a mark of the original would not match.
_FORMS = {
    "u": r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}",
    "h": r"[0-9a-f]{32}",
    "t": r"20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:\+00|Z)?",
    "w": r"(?!qz)[a-z]{4,8}",
    "n": r"\d{10}",
    "k": r"[0-9a-f]{16}",
    "x": r"[0-9a-f]+",
    "d": r"[0-9a-f]{32}",
    "e": r"\S+",
    "o": r"[0-9a-f]+",
    "first": r"(?!Qz)[A-Z][a-z]{3}",
    "last": r"(?!Qz)[A-Z][a-z]{5}",
    "customer": r"(?!qz)[a-z]{4}\.[a-z]{6}\.[0-9a-f]{8}",
    "reference": r"[0-9A-Z]{9}",
}


@pytest.fixture
def desk(database_url: str, tmp_path: Path) -> Iterator[GrowthDesk]:
    """The desk of the benchmark, on an empty database of each kind."""
    made = GrowthDesk(open_database(database_url), tmp_path)
    yield made
    made.close()


def test_a_copy_is_what_the_product_would_have_written(desk: GrowthDesk) -> None:
    # Given
    database = desk.database
    (pattern,) = make_patterns(desk, shapes=[(2, False)])
    originals = {table: {key_of(table, row) for row in read_raw(database, table)} for table in TABLES}

    # When
    _copy(database, [pattern])

    # Then
    slots: dict[str, str] = {}
    for table in TABLES:
        rows = [row for row in read_raw(database, table) if key_of(table, row) not in originals[table]]
        assert len(rows) == len(pattern.rows[table]), table
        for cells in pattern.rows[table]:
            found = next((row for row in rows if _learn(cells, row, slots)), None)
            assert found is not None, f"no copy of a row of {table}: {cells}"
            rows.remove(found)
    own = [value for name, value in slots.items() if name[0] in "uhkdxeo"]
    assert len(set(own)) == len(own)
    assert _orphans(database) == []
    assert _values(database, "SELECT number FROM event ORDER BY number") == [
        str(number + 1) for number in range(2 * len(pattern.rows["event"]))
    ]
    _is_found(database, slots)


def _copy(database: Database, patterns: list[Pattern]) -> Batch:
    known = len(_values(database, "SELECT number FROM event WHERE number IS NOT NULL"))
    copier = Copier(patterns, sealer=database.sealer, most_open=0, as_lines=not database.is_sqlite, seed=5)
    batch = Batch()
    copier.add(batch, at=_AT, now=_NOW)
    write_batch(database, batch, numbers=lambda _: known + 1)
    return batch


def _learn(cells: tuple[RawCell, ...], row: tuple[Any, ...], slots: dict[str, str]) -> bool:
    """Tell whether a row is a copy of the original's, and remember what it has in each slot: the same in all rows."""
    found = dict(slots)
    for cell, value in zip(cells, row, strict=True):
        if cell.kind == "value" and value != cell.value:
            return False
        if cell.kind in {"text", "blob"} and not _has(cell.value, value, found):
            return False
    slots.update(found)
    return True


def _has(template: str, value: Any, slots: dict[str, str]) -> bool:
    text = value.hex() if isinstance(value, bytes) else value
    # Every second part is a slot's name.
    fixed, names = _SLOT.split(template)[::2], _SLOT.findall(template)
    parts = [re.escape(part.replace("%%", "%")) for part in fixed]
    forms = [*(f"({_form(name)})" for name in names), ""]
    match = re.fullmatch("".join(chain.from_iterable(zip(parts, forms, strict=True))), str(text))
    if match is None:
        return False
    return all(slots.setdefault(name, said) == said for name, said in zip(names, match.groups(), strict=True))


def _form(name: str) -> str:
    return _FORMS.get(name) or _FORMS[name[0]]


def _orphans(database: Database) -> list[str]:
    """Return the foreign keys that point to no row."""
    found = []
    with database.read() as connection:
        for table in TABLES:
            for key in SQLModel.metadata.tables[table].foreign_keys:
                own, other = f'"{table}"."{key.parent.name}"', f'other."{key.column.name}"'
                lost = f'SELECT 1 FROM "{key.column.table.name}" other WHERE {other} = {own}'
                query = f'SELECT count(*) FROM "{table}" WHERE {own} IS NOT NULL AND NOT EXISTS ({lost})'
                if connection.execute(sa.text(query)).scalar_one():
                    found.append(f"{table}.{key.parent.name}")
    return found


def _is_found(database: Database, slots: Mapping[str, str]) -> None:
    """The product finds the copy by everything that it keeps about it."""
    handle = f"{slots['customer']}@customers.example"
    with database.read() as connection:
        for words in (slots["w0"], slots["n0"], slots["w0"][:3]):
            hits, _ = find_messages(connection, read_query(words), limit=9)
            assert slots["reference"] in {hit.reference for hit in hits}
        (person,), count = find_people(connection, f"{slots['first']} {slots['last']}", only_teams=None, limit=9)
        assert (count, person.conversations, person.handles) == (1, 1, (handle,))
        message = f"{slots['k0']}@customers.example"
        (case,) = conversations_by_message_id(connection, {message}, contacts={person.id})[message]
        said, answered = messages_of(connection, case.conversation_id, limit=9)
    assert (said.sender_handle, answered.direction) == (handle, "outgoing")
    assert _AT == said.received_at < answered.received_at < _AT + timedelta(days=4)
    _is_indexed(database, said.id, words_to_index(said.subject, said.text))
    contact = person.id.hex if database.is_sqlite else person.id
    terms = _values(database, f"SELECT word FROM search_term WHERE object_id = '{contact}'")
    assert sorted(terms) == words_of_person([person.name, handle])


def _values(database: Database, query: str) -> list[str]:
    with database.read() as connection:
        return [str(each) for each in connection.execute(sa.text(query)).scalars()]


def _is_indexed(database: Database, message_id: object, words: str) -> None:
    if database.is_sqlite:
        return
    query = f"SELECT words = array_to_tsvector(string_to_array('{words}', ' ')) FROM search_entry"
    assert _values(database, f"{query} WHERE message_id = '{message_id}'") == ["True"]


def test_indexes_that_were_set_aside_are_built_when_the_load_ends(database: Database) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite builds its indexes as it loads")
    assert missing_indexes(database) == {}

    # When
    set_aside(database)

    # Then
    missing = missing_indexes(database)
    assert "message_pkey" in missing["message"]
    assert "ix_search_entry_recent" in missing["search_entry"]
    assert "conversation_reference_key" not in missing["conversation"]
    build(database, lambda _: None, at_once=2)
    assert missing_indexes(database) == {}
    assert _values(database, "SELECT count(*) FROM pg_index WHERE NOT indisvalid OR NOT indisready") == ["0"]

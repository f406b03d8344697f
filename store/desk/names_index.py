"""The index of names: people by name, address and number, files by name; one row a word, found by its beginning.

The words are those of `router.text.search_terms`, so that both forms of Chinese are one. An address is also a word as
a whole, and a phone number is one from its end, because people leave its beginning out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.text.phone_forms import phone_form
from router.text.search_terms import characters_of, fold, index_words, pieces_of
from store.db.bulk import among, insert_new, table_of
from store.tables.case_records import SearchTermRow
from store.tables.messages import ContactRow, IdentityRow

_LONGEST: Final = 64
# Before the digits of a number from its end: no other word begins so.
_FROM_END: Final = "#"
# Too few for a number; customers give the end of theirs (尾号).
_SHORT_END: Final = re.compile(r"[0-9]{4,5}")
_LAST: Final = "\U0010ffff"
# Of one file's name or one person's names.
_MOST_WORDS: Final = 60
_DOMAINS: Final = 1024
# Of one word of a search, the most ids that are compared with those of the others.
_MOST_COMPARED: Final = 30_000


class NamedKind(StrEnum):
    """What a word finds."""

    PERSON = "person"
    FILE = "file"


def index_people(connection: Connection, people: Mapping[UUID, Iterable[str]]) -> None:
    """Add words for contacts. people: by contact, their name and handles."""
    _insert(connection, NamedKind.PERSON, {each: _person_words(texts) for each, texts in people.items()})


def words_of_person(texts: Iterable[str]) -> list[str]:
    """Return the words by which a contact is found, in order. texts: the name and the handles."""
    return sorted(_person_words(texts))[:_MOST_WORDS]


def index_files(connection: Connection, names: Mapping[UUID, str]) -> None:
    """Add words for attachments. names: by attachment."""
    _insert(connection, NamedKind.FILE, {each: index_words(name) for each, name in names.items()})


def forget_names(connection: Connection, ids: Collection[UUID]) -> None:
    """Remove all words of these contacts or attachments."""
    table = table_of(SearchTermRow)
    connection.execute(sa.delete(table).where(among(table.c.object_id, ids)))


def reindex_people(connection: Connection, ids: Collection[UUID]) -> None:
    """Write the words of contacts again, after their names or handles have changed."""
    forget_names(connection, ids)
    contact, identity = table_of(ContactRow).c, table_of(IdentityRow).c
    texts: dict[UUID, list[str]] = {each: [] for each in ids}
    for row in connection.execute(sa.select(contact.id, contact.name).where(among(contact.id, ids))):
        texts[row.id].append(row.name)
    statement = sa.select(identity.contact_id, identity.handle).where(among(identity.contact_id, ids))
    for row in connection.execute(statement):
        texts[row.contact_id].append(row.handle)
    # A contact that was merged into another has no handles, and is not found any more.
    index_people(connection, {each: said for each, said in texts.items() if len(said) > 1})


def named(kind: NamedKind, query: str, *, most_compared: int = _MOST_COMPARED) -> sa.Select[Any] | None:
    """Return the query for the ids of what has every word of the search; None for a search without words.

    most_compared: of a word, the ids that are compared with those of the search's other words.
    """
    ways = _sought(query) if kind is NamedKind.PERSON else [_pieces(query)]
    found = [_with_all(kind, words, most=most_compared) for words in ways if words]
    if not found:
        return None
    return found[0] if len(found) == 1 else sa.select(sa.union(*found).subquery().c.object_id)


def _with_all(kind: NamedKind, words: Collection[str], *, most: int) -> sa.Select[Any]:
    longest = sorted(words, key=len, reverse=True)
    first, *others = (_with(kind, word) for word in longest)
    if not others:
        return sa.select(first.limit(most).subquery().c.object_id).distinct()
    # PostgreSQL cannot tell how many ids a word has, and would read the list of one word for each id of another. So the
    # lists are intersected; only the ids of a rare word are looked up, when another of the search is very common.
    one, *more = (each.limit(most).cte() for each in (first, *others))
    counts = [sa.select(sa.func.count()).select_from(each).scalar_subquery() for each in (one, *more)]
    are_few = sa.and_(*(count < most for count in counts))
    compared = sa.intersect(*(sa.select(each.c.object_id).where(are_few) for each in (one, *more)))
    looked_up = sa.select(one.c.object_id).where(counts[0] < most, sa.not_(are_few))
    for word in longest[1:]:
        looked_up = looked_up.where(_has(kind, one.c.object_id, word))
    all_read = sa.intersect(*(each.where(counts[0] >= most) for each in (first, *others)))
    ways = (sa.select(each.subquery().c.object_id) for each in (compared, looked_up, all_read))
    return sa.select(sa.union(*ways).subquery().c.object_id)


def _with(kind: NamedKind, word: str) -> sa.Select[Any]:
    columns = table_of(SearchTermRow).alias().c
    return sa.select(columns.object_id).where(columns.kind == kind.value, _begins(columns.word, word))


def _has(kind: NamedKind, object_id: sa.ColumnElement[UUID], word: str) -> sa.ColumnElement[bool]:
    columns = table_of(SearchTermRow).alias().c
    # A word that is no bare column: so the index of objects is read, not that of words.
    said = _begins(columns.word.concat(""), word)
    return sa.exists().where(columns.object_id == object_id, columns.kind == kind.value, said)


def _begins(column: Any, word: str) -> sa.ColumnElement[bool]:  # noqa: ANN401  (a column of the table)
    # A range, which the primary key answers: its words compare by code points on both databases.
    return sa.and_(column >= word, column < word + _LAST)


def _sought(query: str) -> list[set[str]]:
    """Return the ways to understand the query; each is the words that a person must have all of."""
    number = phone_form(query)
    if number is not None:
        typed = "".join(char for char in query if char.isdecimal())
        # "00..." dials a country, or is the end of a number.
        ends = {number.digits, typed} if "+" not in query else {number.digits}
        return [
            *({f"+{number.digits}"} for _ in range(number.whole)),
            *({_FROM_END + end[::-1]} for end in sorted(ends)),
        ]
    folded = fold(query).strip()
    if _SHORT_END.fullmatch(folded):
        # The same digits may be part of a name.
        return [{_FROM_END + folded[::-1]}, _pieces(query)]
    return [{folded[:_LONGEST]} if "@" in folded and " " not in folded else _pieces(query)]


def _pieces(query: str) -> set[str]:
    return {piece[:_LONGEST] for piece in pieces_of(query)}


def _person_words(texts: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for text in texts:
        local, at, domain = text.partition("@")
        if at and domain:
            found |= index_words(local) | _domain_words(domain)
            found.add(fold(text)[:_LONGEST])
        elif text.startswith("+") and text[1:].isdigit():
            found |= {text, _FROM_END + text[:0:-1]}
        else:
            # One character is enough for a name, at its end too.
            found |= index_words(text) | characters_of(text)
    return found


# Most people of a desk write from a few hundred domains.
@lru_cache(maxsize=_DOMAINS)
def _domain_words(domain: str) -> frozenset[str]:
    # Without the last part, which half of all addresses have.
    return frozenset({*index_words(domain.rpartition(".")[0]), fold(domain)[:_LONGEST]})


def _insert(connection: Connection, kind: NamedKind, words: Mapping[UUID, Collection[str]]) -> None:
    # The same order in every worker, so that two of them do not deadlock.
    rows = [
        {"kind": kind.value, "word": word, "object_id": object_id}
        for object_id, said in words.items()
        for word in sorted(said)[:_MOST_WORDS]
    ]
    insert_new(connection, SearchTermRow, rows=sorted(rows, key=lambda row: (row["word"], row["object_id"].int)))

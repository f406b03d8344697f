"""People are found by name, address and number in any writing, files by name, on both databases alike."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa

from router.errors import Conflict, NotFound
from store.contacts.merge import merge_contacts
from store.contacts.profiles import CardChange, edit_contact
from store.db.bulk import table_of
from store.db.engine import Database
from store.db.ids import new_id
from store.desk.label_use import labels_in_use
from store.desk.name_search import find_files, find_people
from store.desk.names_index import NamedKind, named
from store.desk.saved_views import MOST_VIEWS, add_view, delete_view, views_of
from store.tables.messages import ConversationRow
from tests.inbox_builder import Builder

AT = datetime(2026, 11, 20, tzinfo=UTC)
PEOPLE = {
    "wang": ("wang.fang@pay.example.com", "王芳"),
    "zhang": ("+8613800138000", "張偉"),
    "muller": ("jm@example.org", "Jürgen Müller"),
}
EXPECTED = {
    "王芳": {"wang"},
    "芳": {"wang"},
    "wang.f": {"wang"},
    "fang@pay": set(),
    "WANG.FANG@pay.example.com": {"wang"},
    "pay.example": {"wang"},
    "张伟": {"zhang"},
    "張": {"zhang"},
    "+86 138 0013 8000": {"zhang"},
    "138-0013-8000": {"zhang"},
    "(0)13800138000": {"zhang"},
    "00138000": {"zhang"},
    "8000": {"zhang"},
    "38000": {"zhang"},
    "８０００": {"zhang"},
    "0013": set(),
    "9000": set(),
    "000": set(),
    "müller jürgen": {"muller"},
    "jürg müll": {"muller"},
    "jürgen wang": set(),
    "%": set(),
    "'; --": set(),
}


def test_people_are_found_as_they_are_written(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        for handle, name in PEOPLE.values():
            build.conversation(handle=handle, name=name)
        build.conversation(handle="hidden@example.org", name="王芳", team="risk")
        ids = {build.contacts[handle]: key for key, (handle, _) in PEOPLE.items()}

    def found(query: str) -> set[str]:
        with database.read() as connection:
            people, number = find_people(connection, query, only_teams={"payments"}, limit=5)
        assert number == len(people)
        return {ids[each.id] for each in people}

    assert {query: found(query) for query in EXPECTED} == EXPECTED
    with database.read() as connection:
        assert find_people(connection, "王芳", only_teams=None, limit=1)[1] == 2


def test_a_person_whose_cases_move_away_while_we_look_is_left_out(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        for handle, name in PEOPLE.values():
            build.conversation(handle=handle, name=name)
    moved, other = (build.contacts[PEOPLE[key][0]] for key in ("wang", "zhang"))

    seen: list[str] = []

    def move(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not seen and "last_message_at" in statement:
            seen.append(statement)
            cases = table_of(ConversationRow)
            with database.write() as writing:
                writing.execute(sa.update(cases).where(cases.c.contact_id == moved).values(contact_id=other))

    with database.read() as connection:
        sa.event.listen(connection, "after_cursor_execute", move)
        people, _ = find_people(connection, "王芳", only_teams=None, limit=5)

    assert seen
    # SQLite reads both statements from one state of the database.
    assert [each.id for each in people] == ([moved] if database.is_sqlite else [])


def test_a_name_is_found_alike_when_one_of_its_words_is_too_common_to_compare(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        for handle, name in [*PEOPLE.values(), ("jw@example.org", "Jürgen Wang")]:
            build.conversation(handle=handle, name=name)

    def ids(query: str, most: int) -> set[UUID]:
        wanted = named(NamedKind.PERSON, query, most_compared=most)
        assert wanted is not None
        with database.read() as connection:
            return set(connection.execute(wanted).scalars())

    for query, number in {"jürgen müller": 1, "j wang": 1, "jürgen fang": 0, "wang example pay": 1}.items():
        assert len(ids(query, 1)) == number, query
        assert ids(query, 1) == ids(query, 100)


def test_a_new_name_and_a_merged_contact_are_found_as_they_are_now(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.conversation(handle="a@example.com", name="Ann")
        build.conversation(handle="b@example.com", name="Bea")
        ann, bea = build.contacts["a@example.com"], build.contacts["b@example.com"]
        edit_contact(connection, ann, wanted=CardChange(name="Anna Lind"), by="Ming", now=AT)
        merge_contacts(connection, source_id=bea, target_id=ann, by="Ming", now=AT)

    def found(query: str) -> list[UUID]:
        with database.read() as connection:
            return [each.id for each in find_people(connection, query, only_teams=None, limit=5)[0]]

    assert [found(query) for query in ("lind", "b@example.com", "Bea")] == [[ann], [ann], []]


def test_files_are_found_by_their_names_among_those_that_the_reader_sees(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        ours, theirs = build.conversation(subject="Receipt"), build.conversation(team="risk")
        for case, name in ((ours, "轉帳憑證 2026.pdf"), (theirs, "转账凭证.pdf"), (ours, "screenshot_01.png")):
            build.attachment(build.message(case), name=name)
    with database.read() as connection:
        names = {
            query: [each.name for each in find_files(connection, query, only_teams=["payments"], limit=5)[0]]
            for query in ("凭证", "pdf 2026", "screenshot", "nothing")
        }
        assert find_files(connection, "凭证", only_teams=None, limit=1)[1] == 2
    assert names == {
        "凭证": ["轉帳憑證 2026.pdf"],
        "pdf 2026": ["轉帳憑證 2026.pdf"],
        "screenshot": ["screenshot_01.png"],
        "nothing": [],
    }


def test_views_are_an_agents_own_or_a_teams(database: Database) -> None:
    ming, li = new_id(), new_id()
    with database.write() as connection:
        view = {"by": "Ming", "query": "view=open&label=vip"}
        own = add_view(connection, agent_id=ming, name="VIP", team=None, **view)
        shared = add_view(connection, agent_id=ming, name="Team VIP", team="payments", **view)
        assert [each.id for each in views_of(connection, agent_id=ming, teams=["payments"])] == [own, shared]
        assert [each.id for each in views_of(connection, agent_id=li, teams=None)] == [shared]
        assert views_of(connection, agent_id=li, teams=["risk"]) == []
        with pytest.raises(NotFound):
            delete_view(connection, own, agent_id=li, teams=["payments"])
        delete_view(connection, shared, agent_id=li, teams=["payments"])
        for number in range(MOST_VIEWS - 1):
            add_view(connection, agent_id=ming, name=str(number), team=None, **view)
        with pytest.raises(Conflict):
            add_view(connection, agent_id=ming, name="one more", team=None, **view)


def test_the_most_used_labels_come_first(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        for labels in (["vip"], ["vip", "refund"], []):
            build.conversation(labels=labels)
        build.conversation(labels=["secret"], team="risk")
        assert labels_in_use(connection, only_teams=["payments"]) == ["vip", "refund"]
        assert labels_in_use(connection, begins="S") == ["secret"]

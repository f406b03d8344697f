"""The inbox's queries, on both databases."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa

from router.conversation_status import Status
from router.errors import Conflict, NotFound, PermanentError
from store.conversations.lists import Filter, Sort, list_conversations
from store.conversations.messages import attachments_of, find_message, find_original, messages_of, outbound_of
from store.conversations.read import ConversationRecord, Position, find_conversation, glimpses, handles
from store.db.bulk import table_of
from store.db.encryption import Sealer
from store.db.engine import Database
from store.desk.agents import add_agent, find_by_token, list_agents, revoke_agent
from store.desk.inbox_counts import count_all
from store.inbound.quarantine import discard, find_quarantined, find_with_originals, list_quarantined, replay
from store.tables.messages import OriginalRow
from tests.inbox_builder import NOON, Builder, mail_with_file

MINUTE = timedelta(minutes=1)


def test_the_list_has_the_newest_activity_first_over_all_statuses(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        old = build.conversation(last_message_at=NOON - 3 * MINUTE, status="resolved")
        new = build.conversation(last_message_at=NOON - MINUTE, status="open")
        middle = build.conversation(last_message_at=NOON - 2 * MINUTE, status="snoozed")
    with database.read() as connection:
        assert [row.id for row, _ in list_conversations(connection, Filter(), limit=10)] == [new, middle, old]


@pytest.mark.parametrize("sort", Sort)
def test_danger_comes_first_in_any_order_until_it_is_resolved(database: Database, sort: Sort) -> None:
    with database.write() as connection:
        build = Builder(connection)
        names = {
            build.conversation(last_message_at=NOON - MINUTE, priority="urgent", next_reply_due_at=NOON): "calm",
            build.conversation(last_message_at=NOON - 5 * MINUTE, priority="low", possible_danger=True): "possible",
            build.conversation(last_message_at=NOON - 9 * MINUTE, emergency=True): "emergency",
            build.conversation(last_message_at=NOON - 7 * MINUTE, emergency=True, status="resolved"): "was one",
        }
    wanted, after = Filter(danger_first=True), None
    found: list[str] = []
    while True:
        with database.read() as connection:
            page = list_conversations(connection, wanted, sort=sort, after=after, limit=1)
        if not page:
            break
        found.append(names[page[0][0].id])
        after = page[0][1]

    assert found[:2] == ["emergency", "possible"]
    assert sorted(found[2:]) == ["calm", "was one"]


@pytest.mark.parametrize("sort", Sort)
def test_a_walk_shows_each_conversation_once_while_others_arrive(database: Database, sort: Sort) -> None:
    # Given twelve conversations, four of them in the same instant, in all that they are sorted by
    with database.write() as connection:
        build = Builder(connection)
        there = [
            build.conversation(
                last_message_at=NOON - (number // 4) * MINUTE,
                priority=["low", "urgent", "odd"][number % 3],
                next_reply_due_at=NOON + number // 2 * MINUTE if number % 4 else None,
            )
            for number in range(12)
        ]
    # When they are walked in pages of three, and one arrives before each page
    seen: list[ConversationRecord] = []
    after: Position | None = None
    while True:
        with database.write() as connection:
            Builder(connection).conversation(handle=f"{uuid4()}@example.com", last_message_at=NOON + MINUTE)
        with database.read() as connection:
            page = list_conversations(connection, Filter(), sort=sort, after=after, limit=3)
        if not page or len(seen) > 30:
            break
        seen += [row for row, _ in page]
        after = page[-1][1]
    # Then the walk saw each of the twelve once, in order
    known = [row for row in seen if row.id in there]
    assert len(seen) == len({row.id for row in seen})
    assert sorted(row.id for row in known) == sorted(there)
    assert known == sorted(known, key=partial(_place, sort))


def _place(sort: Sort, row: ConversationRecord) -> tuple[object, ...]:
    newest = (-row.last_message_at.timestamp(), -row.id.int)
    if sort is Sort.PRIORITY:
        return (["urgent", "high", "normal", "low", "odd"].index(row.priority), *newest)
    if sort is Sort.DUE:
        return (0, row.due_at, row.id) if row.due_at else (1, *newest)
    return (row.last_message_at, row.id) if sort is Sort.OLDEST else newest


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Filter(statuses=[Status.OPEN]), {"a", "b", "d"}),
        (Filter(statuses=[Status.OPEN, Status.RESOLVED]), {"a", "b", "c", "d"}),
        (Filter(teams=["risk"]), {"b"}),
        (Filter(teams=["risk", "payments"]), {"a", "b", "c", "d"}),
        (Filter(categories=["refund"]), {"a"}),
        (Filter(channels=["desk-sms"]), {"d"}),
        (Filter(contact="+8613800138000"), {"d"}),
        (Filter(contact=" LI@example.com "), {"a", "b", "c"}),
        (Filter(contact="nobody@example.com"), set()),
        # The resolved one was due long ago, and no customer waits for it any more.
        (Filter(due_before=NOON), {"a", "d"}),
        (Filter(due_before=NOON, teams=["payments"], channels=["support-mail"]), {"a"}),
    ],
)
def test_filters_say_which_conversations(database: Database, wanted: Filter, expected: set[str]) -> None:
    with database.write() as connection:
        build = Builder(connection)
        names = {
            build.conversation(category="refund", first_reply_due_at=NOON - MINUTE): "a",
            build.conversation(team="risk", resolve_due_at=NOON + MINUTE): "b",
            build.conversation(status="resolved", first_reply_due_at=NOON - MINUTE): "c",
            build.conversation(channel="desk-sms", handle="+8613800138000", next_reply_due_at=NOON - MINUTE): "d",
        }
    with database.read() as connection:
        assert {names[row.id] for row, _ in list_conversations(connection, wanted, limit=10)} == expected


def test_a_conversation_is_found_by_id_and_by_a_reference_as_people_type_it(database: Database) -> None:
    with database.write() as connection:
        conversation_id = Builder(connection).conversation(reference="K10QF2MXD")
    with database.read() as connection:
        assert find_conversation(connection, conversation_id).contact_name == "Li Wei"
        assert find_conversation(connection, "klo qf2-mxd").id == conversation_id
        with pytest.raises(NotFound):
            find_conversation(connection, "ZZZZZZZZZ")


def test_a_glimpse_is_of_the_last_message(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        talked, silent = build.conversation(), build.conversation()
        build.message(talked, text="first")
        build.message(talked, text="x" * 1000, received_at=NOON + MINUTE, direction="outgoing")
    with database.read() as connection:
        found = glimpses(connection, [talked, silent])
    assert list(found) == [talked]
    assert (found[talked].messages, found[talked].direction, found[talked].text) == (2, "outgoing", "x" * 200)


def test_contacts_show_their_handles_and_statuses_their_counts(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.conversation()
        build.conversation(status="resolved")
        contact_id = build.contact("li@example.com")
    with database.read() as connection:
        assert handles(connection, [contact_id]) == {contact_id: ["li@example.com"]}
        assert count_all(connection, agent="Ming", now=NOON).statuses == {"open": 1, "pending": 0, "snoozed": 0}


def test_the_earliest_promise_is_due_unless_resolved(database: Database) -> None:
    later = NOON + 2 * MINUTE
    promises: dict[str, Any] = {"first_reply_due_at": None, "next_reply_due_at": NOON + MINUTE, "resolve_due_at": later}
    with database.write() as connection:
        build = Builder(connection)
        waiting = build.conversation(**promises)
        resolved = build.conversation(**promises, status="resolved")
    with database.read() as connection:
        assert find_conversation(connection, waiting).due_at == NOON + MINUTE
        assert find_conversation(connection, resolved).due_at is None


def test_messages_are_listed_newest_page_first_in_order_of_receipt(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        conversation_id = build.conversation()
        ids = [build.message(conversation_id, received_at=NOON + n * MINUTE, html="<b>x</b>") for n in range(5)]
    with database.read() as connection:
        last = messages_of(connection, conversation_id, limit=3)
        earlier = messages_of(connection, conversation_id, before=Position(last[0].received_at, last[0].id), limit=3)
        assert [row.id for row in last] == ids[2:]
        assert [row.id for row in earlier] == ids[:2]
        assert (last[0].html, last[0].has_html) == ("", True)
        assert find_message(connection, ids[0]).html == "<b>x</b>"


def test_files_originals_and_replies_are_found_from_their_message(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        conversation_id = build.conversation()
        mailed = build.message(conversation_id, mail=mail_with_file())
        attachment_id = build.attachment(mailed)
        queued, sent = build.outbound(conversation_id), build.outbound(conversation_id, state="sent")
        answer = build.message(conversation_id, direction="outgoing", outbound_id=sent)
    with database.read() as connection:
        files = attachments_of(connection, [mailed, answer])
        assert [file.id for file in files[mailed]] == [attachment_id]
        assert files[answer] == []
        assert find_original(connection, mailed).size == len(mail_with_file())
        with pytest.raises(NotFound):
            find_original(connection, answer)
        assert [row.id for row in outbound_of(connection, conversation_id)] == [queued]
        assert find_message(connection, answer).delivery == "sent"


def test_a_replay_starts_afresh_and_a_second_one_does_nothing(database: Database) -> None:
    with database.write() as connection:
        inbound_id = Builder(connection).quarantined()
        assert replay(connection, [inbound_id], by="Ming", envelopes={inbound_id: "{}"}) == (inbound_id,)
        assert replay(connection, [inbound_id], by="Ming") == ()
        row = connection.execute(
            sa.text("SELECT state, attempts, envelope, reason, lease_token FROM inbound WHERE state = 'received'")
        ).one()
        assert tuple(row) == ("received", 0, "{}", "", None)
        assert list_quarantined(connection, limit=10) == []


def test_a_discard_needs_a_reason_and_can_be_taken_back(database: Database) -> None:
    with database.write() as connection:
        inbound_id = Builder(connection).quarantined()
        with pytest.raises(PermanentError):
            discard(connection, inbound_id, reason="  ", by="Ming")
        discard(connection, inbound_id, reason="spam", by="Ming")
        with pytest.raises(Conflict):
            discard(connection, inbound_id, reason="spam", by="Ming")
        assert list_quarantined(connection, limit=10) == []
        [put_away] = list_quarantined(connection, discarded=True, limit=10)
        assert put_away.reason.endswith("discarded by Ming: spam")
        assert replay(connection, [inbound_id], by="Ming") == (inbound_id,)
        with pytest.raises(NotFound):
            find_quarantined(connection, inbound_id)


def test_the_quarantine_is_paged_newest_first(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        first, second, other = build.quarantined(), build.quarantined(), build.quarantined(channel="desk-mail")
        assert [row.id for row in list_quarantined(connection, limit=2)] == [other, second]
        assert [row.id for row in list_quarantined(connection, before=second, limit=2)] == [first]
        assert [row.id for row in list_quarantined(connection, channel="desk-mail", limit=9)] == [other]


def test_originals_are_read_together_as_far_as_they_fit_and_a_damaged_one_fails_alone(database: Database) -> None:
    sealer = Sealer(lambda: bytes(32))
    torn = sealer.seal(b"m")[:-1] + b"?"
    with database.write() as connection:
        build = Builder(connection)
        small, other, large = (build.quarantined(mail=b"m" * size) for size in (10, 20, 500))
        damaged, routed = build.quarantined(mail=b"m"), build.inbound()
        connection.execute(
            sa.update(table_of(OriginalRow)).where(table_of(OriginalRow).c.inbound_id == damaged).values(content=torn)
        )
    sealing = Database(database.url, sealer=sealer)
    with sealing.read() as connection:
        asked = [other, routed, small, damaged, large]
        found = find_with_originals(connection, asked, most_bytes=40)
        assert [row.id for row, _ in found.opened] == [other, small]
        assert (found.damaged.keys(), found.left) == ({damaged}, (large,))
        alone = find_with_originals(connection, found.left, most_bytes=40)
        assert [(row.id, original.size, alone.left) for row, original in alone.opened] == [(large, 500, ())]
    sealing.close()


def test_a_token_is_known_only_by_its_hash_and_dies_with_the_agent(database: Database) -> None:
    with database.write() as connection:
        agent, token = add_agent(connection, name=" Ming ", role="agent")
        assert token not in str(connection.execute(sa.text("SELECT * FROM agent")).all())
        assert find_by_token(connection, token) == agent
        assert find_by_token(connection, token[:-1] + ("a" if token[-1] != "a" else "b")) is None
        assert find_by_token(connection, "oy_nonsense") is None
        assert revoke_agent(connection, name="Ming").revoked_at is not None
        assert find_by_token(connection, token) is None
        assert [row.name for row in list_agents(connection)] == ["Ming"]
        with pytest.raises(NotFound):
            revoke_agent(connection, name="Nobody")


def test_two_agents_cannot_have_one_name(database: Database) -> None:
    with database.write() as connection:
        add_agent(connection, name="Ming", role="agent")
    with pytest.raises(Conflict), database.write() as connection:
        add_agent(connection, name="Ming", role="admin")

"""The decisions of another file on stored messages; nothing is written, on both databases."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from router.envelope import Party, PartyKind
from store.db.engine import Database
from store.tables.messages import ConversationRow, InboundRow, MessageRow
from store.tables.operations import EventRow, OutboundRow
from tests.desk import RECEIVED_AT, Desk, envelope
from workers.routing import simulate as simulation
from workers.routing.simulate import Difference, simulate

LONG_AGO = RECEIVED_AT - timedelta(days=1)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def replay(desk: Desk, *edits: tuple[str, str], since: object = LONG_AGO, examples: int = 3) -> Difference:
    """Replay everything under the desk's file with some text replaced."""
    text = desk.text
    for before, after in edits:
        assert before in text
        text = text.replace(before, after)
    current, other = desk.folder / "current.toml", desk.folder / f"other{abs(hash(text))}.toml"
    current.write_text(desk.text, encoding="utf-8")
    other.write_text(text, encoding="utf-8")
    return simulate(desk.database, files=(current, other), since=since, most_examples=examples)


def mails(desk: Desk) -> None:
    desk.route(
        envelope("1", subject="Refund please", text="I want a refund for order 12."),
        envelope("2", text="my account was hacked", sender=Party(PartyKind.EMAIL, "bo@c.example")),
        envelope("3", subject="Re: Refund please", text="And soon!", in_reply_to=("1@customer.example",)),
    )


def test_the_same_file_changes_nothing(desk: Desk) -> None:
    mails(desk)
    found = replay(desk)

    assert (found.messages, found.opened, found.changed) == (3, 2, 0)
    assert found.examples == []


def test_a_new_route_shows_what_it_would_take(desk: Desk) -> None:
    mails(desk)
    route = '[[routes]]\nname = "money"\nwhen = { category = "refund" }\nteam = "risk"\npriority = "high"\n\n'
    found = replay(desk, ('[[routes]]\nname = "closed"', route + '[[routes]]\nname = "closed"'))

    assert found.changed == 1
    assert found.transitions["route", "everything else", "money"] == 1
    assert found.transitions["team", "front-line", "risk"] == 1
    assert found.transitions["first reply due", "promised", "none"] == 1
    (example,) = found.examples
    assert (example.subject, example.changes["priority"]) == ("Refund please", ("normal", "high"))


def test_other_hours_show_what_would_be_held_and_when_it_would_be_due(desk: Desk) -> None:
    mails(desk)  # received on Monday 2 March 2026 at 10:00 in Shanghai
    found = replay(desk, ('week = { mon-sun = ["24h"] }', 'week = { tue-fri = ["09:00-18:00"] }'))

    assert found.transitions["gate", "open", "held"] == 1
    assert found.transitions["first reply due", "promised", "later"] == 1
    assert found.transitions["reply", "none", "closed"] == 1


def test_a_new_emergency_keyword_also_escalates_joined_cases(desk: Desk) -> None:
    mails(desk)
    found = replay(desk, ('keywords = ["hacked", "被盗"]', 'keywords = ["hacked", "被盗", "soon"]'))

    assert found.transitions["raises its case", "no", "yes"] == 1


def test_our_own_reference_in_a_subject_and_thanks_in_an_answer_are_read_as_they_were(desk: Desk) -> None:
    reference = "KAF4STXWZ-4C6B0D1E2F"
    desk.route(
        envelope("1", subject=f"Re: [{reference}]", text="Please look."),
        envelope("2", subject="Re: refund", text="Thank you!", in_reply_to=("1@customer.example",)),
    )
    found = replay(desk, ('keywords = ["refund", "退款"]', 'keywords = ["refund", "退款", "kaf4stxwz"]'))

    assert (found.messages, found.changed) == (2, 0)


def test_only_messages_since_the_date_are_replayed(desk: Desk) -> None:
    mails(desk)
    assert replay(desk, since=RECEIVED_AT + timedelta(seconds=1)).messages == 0


def test_a_replay_writes_nothing(desk: Desk) -> None:
    mails(desk)
    tables = (InboundRow, MessageRow, ConversationRow, OutboundRow, EventRow)
    before = [list(desk.rows(table)) for table in tables]
    replay(desk, ('team = "risk"', 'team = "front-line"'))

    assert [list(desk.rows(table)) for table in tables] == before


def test_many_are_compared_by_several_processes_with_the_same_result(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More batches than one process compares; they are small, because it is their number that counts.
    monkeypatch.setattr("workers.routing.simulate._BATCH", 12)
    many, processes = 100, []
    executor = simulation.ProcessPoolExecutor
    monkeypatch.setattr(
        simulation, "ProcessPoolExecutor", lambda *given, **more: processes.append(given) or executor(*given, **more)
    )
    senders = [Party(PartyKind.EMAIL, f"c{number}@c.example") for number in range(many)]
    desk.accept(*(envelope(str(at), sender=sender, text=f"refund {at}") for at, sender in enumerate(senders)))
    while desk.router.route_oldest():
        pass
    found = replay(desk, ('keywords = ["refund", "退款"]', 'keywords = ["退款"]'), examples=2)

    assert (found.messages, found.changed, len(found.examples)) == (many, many, 2)
    assert found.transitions["category", "refund", "not recognised"] == many
    assert len(processes) == 1

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router.analysis import read_batch
from router.classify import build_classifier
from router.envelope import Envelope, Party, PartyKind
from router.reason import ReasonKey
from router.routing.conditions import Background
from router.routing.routes import NOTHING_KNOWN, build_table
from router.settings import read_settings

NOW = datetime(2026, 3, 3, 3, tzinfo=UTC)
DESK = """
[channels.mail]
kind = "smtp"
team = "{team}"
[[routes]]
name = "asked for"
when = {{ {condition} }}
[[routes]]
name = "rest"
team = "rest"
"""


def decide(condition, text, *, team="front", background=NOTHING_KNOWN):
    settings = read_settings(DESK.format(condition=condition, team=team))
    return decide_with(settings, text, at=NOW, background=background)


def analyse(settings, text, *, at, own=frozenset(), **fields):
    sender = fields.pop("sender", Party(PartyKind.EMAIL, "a@b.c"))
    envelope = Envelope(
        channel="mail", source_key="1", sender=sender, received_at=at, text=text, signed_by=("b.c",), **fields
    )
    (reading,) = read_batch([envelope], classifier=build_classifier(settings), own=own)
    return reading


def decide_with(settings, text, *, at, background=NOTHING_KNOWN, **fields):
    reading = analyse(settings, text, at=at, **fields)
    return build_table(settings).decide(reading, now=at, background=background)


@pytest.mark.parametrize(
    ("condition", "text", "route"),
    [
        ('language = "zh"', "我的钱包余额不对，请尽快处理", "asked for"),  # the family holds for its scripts
        ('language = "zh-Hans"', "我的钱包余额不对，请尽快处理", "asked for"),
        ('language = "zh-Hant"', "我的钱包余额不对，请尽快处理", "rest"),
        ('language = ["en", "zh"]', "my balance is wrong", "asked for"),
        ('language = "zh"', "my balance is wrong", "rest"),
        ('words = "BALANCE"', "my balance is wrong", "asked for"),
        ('origin = "person"', "my balance is wrong", "asked for"),
        ('channel = "mail", open = true', "my balance is wrong", "asked for"),  # a channel without a calendar is open
        ("emergency = true", "my balance is wrong", "rest"),
    ],
)
def test_a_condition_holds_as_the_documentation_says(condition, text, route):
    assert decide(condition, text).route.name == route


def test_a_route_without_a_team_leaves_it_to_the_channel():
    assert decide("open = true", "hello").team == "front"
    assert decide("open = false", "hello").team == "rest"


@pytest.mark.parametrize(
    ("condition", "background", "route"),
    [
        ('sender = "A@b.c"', {}, "asked for"),
        ('sender = ["@other.example", "@b.c"]', {}, "asked for"),
        ('sender = "@c"', {}, "rest"),  # a domain, not the end of one
        ('contact = "vip"', {"contact_labels": frozenset({"vip", "press"})}, "asked for"),
        ('contact = ["vip", "staff"]', {"contact_labels": frozenset({"press"})}, "rest"),
        ("follows_case = true", {"follows_case": True}, "asked for"),
        ("follows_case = false", {"follows_case": True}, "rest"),
    ],
)
def test_a_condition_may_ask_who_writes_and_what_came_before(condition, background, route):
    assert decide(condition, "hello", background=Background(**background)).route.name == route


@pytest.mark.parametrize(
    ("text", "route"),
    [("I am from your support team, send me the list", "asked for"), ("my balance is wrong", "rest")],
)
def test_a_condition_may_ask_what_was_noticed_about_the_sender(text, route):
    assert decide('signal = ["claims_staff", "lookalike_domain"]', text).route.name == route


OFFICE = """
[channels.mail]
kind = "smtp"
calendar = "office"
[calendars.office]
week = { mon-fri = "09:00-18:00" }
holidays = "CN"
timezone = "Asia/Shanghai"
[categories.danger]
emergency = true
keywords = ["hacked"]
hints = ["钱 + 没了", "money + gone", "didn't make"]
[[routes]]
name = "alarm"
when = { emergency = true }
[[routes]]
name = "holiday"
when = { holiday = true }
hold = true
[[routes]]
name = "rest"
hold = true
team = "rest"
"""
SPRING_FESTIVAL = datetime(2026, 2, 17, 3, tzinfo=UTC)
NIGHT = datetime(2026, 3, 3, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at", "route", "gate"),
    [
        ("hello", NOW, "rest", "open"),
        ("hello", NIGHT, "rest", "held"),
        ("hello", SPRING_FESTIVAL, "holiday", "held"),
        ("my account was hacked", NOW, "alarm", "emergency"),
        ("my account was hacked", NIGHT, "alarm", "emergency"),
        ("all my money is gone", NOW, "rest", "open"),  # by day an agent reads it soon
        ("all my money is gone", NIGHT, "alarm", "released"),
        ("gone is my money", NIGHT, "alarm", "released"),  # in any order
        ("the moneylender has gone", NIGHT, "alarm", "released"),  # beginnings of words
        ("the airmoney is gone", NIGHT, "rest", "held"),  # but not their middles
        ("I didn’t make this", NIGHT, "alarm", "released"),  # whichever apostrophe
        ("我的錢沒了", SPRING_FESTIVAL, "alarm", "released"),  # in either script
    ],
)
def test_what_would_wait_is_looked_at_a_second_time(text, at, route, gate):
    decision = decide_with(read_settings(OFFICE), text, at=at)
    assert (decision.route.name, decision.gate) == (route, gate)
    assert bool(decision.hints) == (gate == "released")
    assert decision.emergency == (gate in {"emergency", "released"})


def test_a_hold_lasts_until_the_channel_opens_and_never_for_an_emergency():
    settings = read_settings(OFFICE)
    assert decide_with(settings, "hello", at=NIGHT).held_until == datetime(2026, 3, 4, 1, tzinfo=UTC)
    assert decide_with(settings, "hello", at=NOW).held_until is None
    assert decide_with(settings, "money gone", at=NIGHT).held_until is None


@pytest.mark.parametrize("header", [("auto-submitted", "auto-replied"), ("list-id", "<news.example>")])
def test_no_second_look_at_what_a_machine_answered_or_sent_to_many(header):
    assert decide_with(read_settings(OFFICE), "money gone", at=NIGHT, machine_headers=(header,)).gate == "held"


HACKED = "my account was hacked"
NOTICE = (("auto-submitted", "auto-generated"),)
DEAF = Party(PartyKind.EMAIL, "no-reply@files.example")
KAI = Party(PartyKind.EMAIL, "kai@home.example")
FORWARD = f"---------- Forwarded message ---------\nFrom: Kai <kai@home.example>\nSubject: Help\n\n{HACKED}"


@pytest.mark.parametrize(
    ("fields", "at", "gate", "marked"),
    [
        ({"machine_headers": (("list-id", "<news.example>"),)}, NOW, "open", True),
        ({"machine_headers": (("list-post", "<mailto:dev@lists.example>"),)}, NIGHT, "held", True),
        ({"machine_headers": (("precedence", "bulk"),)}, NOW, "open", True),
        ({"machine_headers": (("auto-submitted", "auto-replied"),)}, NIGHT, "held", True),
        ({"subject": "Automatic reply: your question"}, NOW, "open", True),
        ({"machine_headers": (("x-omniyard", "1"),)}, NOW, "open", True),
        # A person waits behind a form's mail and behind what a program sends for one.
        ({"machine_headers": (("auto-submitted", "auto-generated"),)}, NOW, "emergency", False),
        ({"machine_headers": (("return-path", "<>"),)}, NIGHT, "emergency", False),
        # Another system's notice names no one to answer; a form's names its customer, if only in its text.
        ({"machine_headers": NOTICE, "sender": DEAF}, NIGHT, "held", True),
        ({"machine_headers": NOTICE, "sender": DEAF, "subject": "From kai@home.example"}, NIGHT, "emergency", False),
        ({"machine_headers": NOTICE, "sender": DEAF, "subject": "Form: 138 0013 8000"}, NIGHT, "emergency", False),
        ({"machine_headers": NOTICE, "sender": DEAF, "reply_to": (KAI,)}, NIGHT, "emergency", False),
        ({"sender": DEAF}, NIGHT, "emergency", False),
    ],
)
def test_what_no_person_waits_behind_is_a_question_and_never_an_alarm(fields, at, gate, marked):
    settings = read_settings(OFFICE)
    reading = analyse(settings, HACKED, at=at, **fields)
    decision = build_table(settings).decide(reading, now=at)
    seen = reading.classification
    assert (decision.gate, seen.emergency, seen.possible_danger) == (gate, not marked, marked)
    assert (seen.danger_evidence[0].key == ReasonKey.NO_PERSON_WAITS) is marked
    assert len(seen.danger_evidence) > marked


def test_a_colleague_who_forwards_a_customers_danger_is_heard_day_and_night():
    settings = read_settings(OFFICE)
    desk = Party(PartyKind.EMAIL, "desk@wallet.example")
    for text, gate in ((FORWARD, "emergency"), (FORWARD.replace(HACKED, "all my money is gone"), "released")):
        reading = analyse(settings, text, at=NIGHT, sender=desk, own=frozenset({desk.handle}))
        assert build_table(settings).decide(reading, now=NIGHT).gate == gate

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router.calendars import build_calendars
from router.classify import build_classifier
from router.envelope import Envelope, Party, PartyKind
from router.reading import read_page
from router.routing import RoutingTable
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


def decide(condition, text, *, team="front"):
    settings = read_settings(DESK.format(condition=condition, team=team))
    envelope = Envelope(
        channel="mail", source_key="1", sender=Party(PartyKind.EMAIL, "a@b.c"), received_at=NOW, text=text
    )
    (reading,) = read_page([envelope], classifier=build_classifier(settings), own=frozenset())
    return RoutingTable(settings, build_calendars(settings)).decide(reading, now=NOW)


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

"""Assignment, as a table of cases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from router.reason import Reason, ReasonKey
from router.replies.phrases import facts_in_words
from router.routing.assignment import AssignableCase, OnDuty, choose_assignee

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def agent(name, *, ago=None, load=0, capacity=20, languages=(), categories=(), team="front", chats=0, slots=None):
    return OnDuty(
        name=name,
        teams=frozenset({team}),
        languages=frozenset(languages),
        categories=frozenset(categories),
        capacity=capacity,
        load=load,
        chats=chats,
        chat_slots=slots,
        assigned_at=NOON - timedelta(minutes=ago) if ago is not None else None,
    )


def case(*, language="en", category="refund", priority="normal", slots=None):
    return AssignableCase(team="front", priority=priority, language=language, category=category, slots=slots)


@pytest.mark.parametrize(
    ("what", "mode", "wanted", "agents"),
    [
        (
            case(),
            "round_robin",
            "Bo",
            [agent("Ann", ago=1), agent("Bo", ago=9)],
        ),  # the one who got no case for the longest time
        (case(), "round_robin", "Cy", [agent("Ann", ago=9), agent("Cy")]),  # a newcomer before all
        (case(), "round_robin", "Ann", [agent("Bo"), agent("Ann")]),  # by name, where nothing tells them apart
        (case(), "least_busy", "Bo", [agent("Ann", load=4), agent("Bo", load=6, capacity=60)]),  # a tenth, not a fifth
        (case(), "least_busy", "Bo", [agent("Ann", ago=1), agent("Bo", ago=2)]),
        (case(), "round_robin", "Bo", [agent("Ann", load=19), agent("Bo", ago=1, load=18)]),  # 2 do not fit into 1
        (case(priority="low"), "round_robin", "Ann", [agent("Ann", load=19), agent("Bo", ago=1)]),  # but 1 does
        (case(priority="urgent"), "round_robin", "Ann", [agent("Ann", capacity=1)]),  # with nothing to do: anything
        (case(), "round_robin", "Bo", [agent("Ann", capacity=0), agent("Bo", ago=1)]),  # a capacity of 0: nothing
        (
            case(language="zh-Hant"),
            "round_robin",
            "Bo",
            [agent("A", languages=["en"]), agent("Bo", languages=["zh"])],
        ),
        (case(language="zh-Hans"), "round_robin", "Bo", [agent("Ann", languages=["zh-Hant"]), agent("Bo", ago=1)]),
        (case(language="und"), "round_robin", "Ann", [agent("Ann", languages=["zh"])]),  # no words, no language
        (case(category="fees"), "round_robin", "Bo", [agent("Ann", categories=["refund"]), agent("Bo", ago=1)]),
        (case(category=None), "round_robin", "Ann", [agent("Ann", categories=["refund"])]),
        (case(), "round_robin", "Bo", [agent("Ann", team="risk"), agent("Bo", ago=1)]),
        (case(slots=2), "round_robin", "Bo", [agent("Ann", chats=2), agent("Bo", ago=1, chats=1)]),  # no place left
        (case(slots=2), "round_robin", "Ann", [agent("Ann", chats=2, slots=3), agent("Bo", ago=1)]),  # a place more
        (case(slots=2), "round_robin", "Bo", [agent("Ann", slots=0), agent("Bo", ago=1)]),  # talks to no visitor
        (case(slots=2), "round_robin", "Ann", [agent("Ann", load=20)]),  # mail keeps no agent from a chat
        (case(slots=3), "least_busy", "Bo", [agent("Ann", chats=2), agent("Bo", chats=1, load=30, ago=1)]),
    ],
)
def test_a_case_goes_to(what, mode, wanted, agents):
    assert choose_assignee(what, agents=agents, mode=mode).agent.name == wanted


@pytest.mark.parametrize(
    ("agents", "no_candidate", "why"),
    [
        ([], True, Reason(ReasonKey.TEAM_IS_AWAY, {"team": "front"})),
        ([agent("Ann", team="risk")], True, Reason(ReasonKey.TEAM_IS_AWAY, {"team": "front"})),
        (
            [agent("Ann", languages=["zh"])],
            True,
            Reason(ReasonKey.NO_AGENT_MATCHES, {"team": "front", "wanted": "en, refund"}),
        ),
        ([agent("Ann", load=20)], False, Reason(ReasonKey.TEAM_IS_FULL, {"team": "front"})),
    ],
)
def test_a_case_waits_because(agents, no_candidate, why):
    choice = choose_assignee(case(), agents=agents, mode="round_robin")
    assert (choice.agent, choice.no_candidate, choice.why) == (None, no_candidate, why)


@pytest.mark.parametrize(
    ("kinds", "language", "words"),
    [
        (["amount"], "en", "the amount"),
        (["account", "transaction"], "de", "your account name and the transaction or order number"),
        (["account", "amount", "time"], "en", "your account name, the amount and when it happened"),
        (["account", "amount"], "zh-Hans", "账户名和金额"),
        (["account", "transaction", "amount"], "zh-TW", "帳戶名、交易單號或訂單號和金額"),
        ([], "en", ""),
    ],
)
def test_missing_facts_are_asked_for_in_the_customers_language(kinds, language, words):
    assert facts_in_words(kinds, language=language, titles={}) == words

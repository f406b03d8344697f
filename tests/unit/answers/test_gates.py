"""The gates: written cases of one's own money and identity, general ones, and the spellings of "a person, please"."""

from __future__ import annotations

import pytest

from router.answers.caution import ANSWERS_PER_CASE, Allowed, AskedQuestion, pass_gates
from router.reason import Reason, ReasonKey
from router.text.facts import find_facts
from tests.unit.answers.gate_questions import GENERAL, OWN

PERSON = """
人工
转人工
轉人工
我要人工客服
找人工
真人客服
agent please
I want a person
can I talk to a human
real person pls
speak to a representative
connect me to an agent
zhuan rengong
不要机器人
human
operator
""".strip().splitlines()


def allowed(text: str) -> Allowed:
    facts = tuple(fact.kind for fact in find_facts(text))
    return pass_gates(AskedQuestion(text=text, facts=facts)).allowed


def test_none_of_sixty_cases_of_own_money_or_identity_may_be_answered() -> None:
    assert len(OWN) == 60
    assert [text for text in OWN if allowed(text) > Allowed.OFFER] == []


@pytest.mark.parametrize(
    "text",
    [
        "my refund still not here", "My salary transfer never arrived", "still no money from the withdrawal",
        "our order hasn't been paid back", "还没到账", "我的退款一直没收到", "提现迟迟不到账", "我转的钱没到",
    ],
)  # fmt: skip
def test_what_has_not_come_yet_is_looked_up_by_a_person(text: str) -> None:
    assert allowed(text) <= Allowed.OFFER


@pytest.mark.parametrize(
    "text",
    [
        "How long until my refund arrives?",
        "退款多久到账",
        "验证码一直没收到",
        "What if a transfer has not arrived yet?",
    ],
)
def test_how_long_it_takes_in_general_is_no_question_of_own_money(text: str) -> None:
    assert allowed(text) is Allowed.ANSWER


def test_general_questions_pass_the_gates() -> None:
    assert len(GENERAL) == 60
    assert [text for text in GENERAL if allowed(text) < Allowed.ANSWER] == []


def test_who_asks_for_a_person_in_any_spelling_gets_no_answer() -> None:
    passed = {text: pass_gates(AskedQuestion(text=text)) for text in PERSON}
    asks = [Reason(ReasonKey.GATE_PERSON, {})]
    assert [text for text, gated in passed.items() if list(gated.reasons) != asks] == []
    assert [text for text in PERSON if allowed(text) is not Allowed.NOTHING] == []
    mixed = "How long does a refund take? I want a person."
    assert allowed(mixed) is Allowed.NOTHING


@pytest.mark.parametrize(
    ("over", "most", "why"),
    [
        ({"danger": True}, Allowed.NOTHING, ReasonKey.GATE_DANGER),
        ({"wants_person": True}, Allowed.NOTHING, ReasonKey.GATE_PERSON),
        ({"machine": True}, Allowed.NOTHING, ReasonKey.GATE_MACHINE),
        ({"self_service": Allowed.AGENTS, "category": "complaint"}, Allowed.AGENTS, ReasonKey.GATE_CATEGORY),
        ({"facts": ("transaction",)}, Allowed.OFFER, ReasonKey.GATE_OWN),
        ({"secrets": ("card",)}, Allowed.AGENTS, ReasonKey.GATE_MASKED),
        ({"attachments": 1}, Allowed.AGENTS, ReasonKey.GATE_ATTACHMENT),
        ({"by_person": True}, Allowed.AGENTS, ReasonKey.GATE_CASE_HAS_PERSON),
        ({"given": ANSWERS_PER_CASE}, Allowed.AGENTS, ReasonKey.GATE_ENOUGH_ANSWERS),
        ({"language": "ja"}, Allowed.AGENTS, ReasonKey.GATE_LANGUAGE),
    ],
)
def test_each_sign_lowers_what_is_allowed_and_says_so(over: dict[str, object], most: Allowed, why: ReasonKey) -> None:
    gated = pass_gates(AskedQuestion(text="How long does a refund take?", **over))  # type: ignore[arg-type]
    assert (gated.allowed, [reason.key for reason in gated.reasons]) == (most, [why])


def test_anger_leaves_it_to_a_person() -> None:
    assert allowed("你们就是骗子，我要投诉") < Allowed.OFFER
    assert allowed("this is ridiculous, how long does a refund take") < Allowed.OFFER

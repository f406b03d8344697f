"""What makes the machine more careful than a good ranking: rules in code, asked before anything is looked up.

Each gate may only lower what may be done. The first that says "a person" ends the question; the reasons stay in the
trace, also of those that only lower it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from router.answers.normal_form import normal_form
from router.reason import Reason, ReasonKey


class Allowed(IntEnum):
    """The most that may happen: the mode of a channel, a gate, and an answer's own rule are all one of these."""

    NOTHING = 0
    AGENTS = 1
    OFFER = 2
    ANSWER = 3


ANSWERS_PER_CASE: Final = 2
"""After so many automatic answers in a case a person reads the next question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedQuestion:
    """A question, with what is known about its message and its case.

    text: masked.  category: None if it was not recognised.  self_service: the most that the category allows.
    danger: an emergency, a possible danger, or a hint at one.  facts: the kinds that were found in the text.
    secrets: the kinds that were masked.  language: BCP 47.  machine: not a person wrote it.
    by_person: an agent has the case or wrote in it.  given: automatic answers in the case until now.
    wants_person: the customer has asked for a person in this case before.
    """

    text: str
    category: str | None = None
    self_service: Allowed = Allowed.ANSWER
    danger: bool = False
    facts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    language: str = "und"
    machine: bool = False
    attachments: int = 0
    by_person: bool = False
    given: int = 0
    wants_person: bool = False


# Asking for a person, in the spellings that customers use; compared in simplified Chinese, lower case.
_PERSON: Final = re.compile(
    r"人工|真人|活人|找(?:个|你们)?(?:人|客服|经理|主管)|客服(?:人员|专员|经理|主管)|转接?(?:客服|人)|"
    r"(?:不要|别用|不想.{0,4}|别.{0,3})机器人|"
    r"\b(?:zhuan )?ren ?gong\b|"
    r"\b(?:real|live|actual|human) (?:person|people|human|agent|being|operator)\b|"
    r"\b(?:speak|talk|chat|connect me|transfer me|put me through|get me|want|need|give me) (?:to |with )?"
    r"(?:an? |the |some |your )?(?:person|human|agent|someone|somebody|representative|rep|operator|manager|"
    r"supervisor|staff|adviser|advisor|customer service)\b|"
    r"^(?:an? )?(?:agent|human|person|operator|representative)[\s,.!]*(?:please|pls|now)?[.!]*$|"
    r"\b(?:agent|human|person|operator|representative) (?:please|pls|now)\b|\bno (?:more )?(?:bots?|robots?)\b"
)
_ANGER: Final = re.compile(
    r"骗子|垃圾|投诉|曝光|起诉|律师|报警|12315|12345|消协|工商|银保监|忍无可忍|太过分|"
    r"\b(?:fraud(?:sters)?|scammers?|thieves|lawyer|solicitor|sue|court|ombudsman|police|disgusting|ridiculous|"
    r"unacceptable|outrageous|complaint|complain|worst|useless)\b"
)
_HOW: Final = re.compile(
    r"怎么(?!还|回事|没)|怎样|如何|多久|多少|几天|哪里(?:可以|能)|在哪|能不能|可不可以|可以.{0,12}吗|能.{0,12}吗|是否|什么(?:时候|是)|"
    r"\b(?:how (?:do|can|does|to|long|much|many|is|are|often)|what (?:is|are|do|does|happens|if)|where (?:do|can)|"
    r"can i|may i|is it possible|do i|does|zen ?me|ru ?he)\b"
)
# The first person with an act: unlock mine, refund me.
_ACT_FOR_ME: Final = re.compile(
    r"(?:帮|给|替|为)(?:我|俺|咱|忙)|帮忙.{0,4}(?:查|退|解|改|催|处理|冻|锁)|"
    r"(?:退|还|赔|打|转|补)(?:给)?我(?!们)|把.{0,10}(?:退|还|解|恢复|注销|取消|撤|换|改|追)(?:了|掉|回|给|一下|$)|"
    r"(?:请|麻烦|劳烦|速|尽快|赶紧|快点|立即|马上)(?:你们|您)?.{0,6}(?:退|解|查|核|处理|冻结|恢复|注销|催|改|换|追|补|撤)|"
    r"我(?:要|想)(?:要)?.{0,6}(?:退款|退钱|解冻|解锁|注销|换绑|改绑|销户|撤销|申诉|查(?:一下|下)|改名)|"
    r"^(?:换绑|改绑|解绑|解冻|解锁|解封|注销|销户|实名|认证|退款|退钱|撤销|冻结|挂失).{0,6}$|"
    r"我(?:的)?.{0,8}(?:到哪|去哪|怎么还没|怎么还|为什么还|在哪)|"
    r"\bbang ?(?:wo|mang)|\btui ?(?:qian|kuan)?\s?(?:gei )?wo\b|\bba .{1,20} tui\b|\bwo yao (?:tui|jie|zhu)"
)
_VERBS: Final = (
    r"(?:un-?l\w{1,4}|un-?fr\w{2,5}|unblock\w*|re?fu?n\w{0,2}d\w*|restore|re-?open|re-?activate|reverse|cancel|close|"
    r"delete|change|update|verify|reset|release|return|send|give|pay|credit|check|track|fix|trace|look (?:up|into|at)|"
    r"investigate|remove|replace|stop|freeze|block|switch|transfer|withdraw|recall|confirm|escalate|lift)"
)
_ACT_FOR_ME_LATIN: Final = re.compile(
    rf"(?:^|\b(?:please|pls|plz|kindly|now|and|can you|could you|can u|will you|would you|want you to|need you to|just|"
    rf"asap)[\s,]+)(?:\w+ )?{_VERBS} (?:me\b|my\b|the \w+ on my|this\b|it\b|that\b|back\b|us\b|our\b)|"
    rf"^{_VERBS} (?:my|me|our)\b|\b(?:refund|pay|credit|return|give) (?:it |that |this |them )?(?:to )?me\b|"
    r"\b(?:where(?:'?s| is| are| has)|what (?:happened|is happening|about|is going on)(?: to| with)?|status of|"
    r"track|trace|chase|check(?: on)?) (?:my|the|our)\b|"
    r"\bi (?:want|need|demand|would like|'d like|wanna) (?:you to|my|a refund)\b|"
    r"\b(?:my|the) (?:account|wallet|card|phone|number|money|refund|payment|transfer|order) (?:needs|must|has to) "
)
# What is the customer's own and has not come, or not yet: a look at the account answers that, no text.
_MONEY: Final = r"(?:refund|money|cash|payment|transfer|withdrawal|order|top-? ?up|cash-? ?back|salary|voucher)"
_NOT: Final = r"(?:has|have|is|did|does|wo) ?n'?t"
_NOT_YET: Final = re.compile(
    rf"\b(?:my|our) (?:\w+ ){{0,2}}{_MONEY}s?\b.{{0,30}}\b(?:still|yet|not|never|missing|pending|stuck|gone|{_NOT})\b|"
    rf"\bstill (?:no|not|waiting|pending|missing|{_NOT})\b.{{0,20}}\b{_MONEY}\b|"
    r"(?<!码)(?:还|仍|一直|至今|到现在|迟迟).{0,4}(?:没|未|不)(?:有)?(?:到账?|收到|退|回来|打|发|给|入账)|"
    r"我.{0,4}(?:钱|款|退款|提现|转账|工资|余额).{0,8}(?:没|未)(?:有)?(?:到|收到|退|回|入)"
)
# A number that belongs to one person: of an order, a card, an account.
_NUMBER: Final = re.compile(r"(?<!\d)\d{6,}(?!\d)|尾号|单号|流水号|ending (?:in )?\d{3,4}\b|card \d{4}\b")
_PAYMENT_DATE: Final = re.compile(
    r"(?:昨天|前天|今天|刚才|刚刚|上周|上个?月|\d{1,2}月\d{1,2}[日号]?|\d{1,2}[日号]).{0,10}"
    r"(?:付|转|充|提|买|退|扣|交易|打|汇|缴|刷|支出|少了)|"
    r"\b(?:i|we) (?:paid|sent|transferred|topped|withdrew|bought|returned|ordered)\b.{0,60}"
    r"\b(?:yesterday|today|last|on|ago|this morning)\b|"
    r"\b(?:yesterday|last (?:week|night|month|\w+day))\b.{0,40}\b(?:payment|transfer|refund|purchase)\b"
)
_OWN_FACTS: Final = ("transaction", "amount", "account", "phone", "registered_email")
_ANSWERED_LANGUAGES: Final = ("zh", "en", "und")

Gate = Callable[[AskedQuestion, str], "tuple[Allowed, ReasonKey] | None"]


def _danger(asked: AskedQuestion, text: str) -> tuple[Allowed, ReasonKey] | None:
    del text
    return (Allowed.NOTHING, ReasonKey.GATE_DANGER) if asked.danger else None


def _person(asked: AskedQuestion, text: str) -> tuple[Allowed, ReasonKey] | None:
    wants = asked.wants_person or _PERSON.search(text)
    return (Allowed.NOTHING, ReasonKey.GATE_PERSON) if wants else None


def _anger(asked: AskedQuestion, text: str) -> tuple[Allowed, ReasonKey] | None:
    del asked
    return (Allowed.AGENTS, ReasonKey.GATE_ANGER) if _ANGER.search(text) else None


def _category(asked: AskedQuestion, text: str) -> tuple[Allowed, ReasonKey] | None:
    del text
    return (asked.self_service, ReasonKey.GATE_CATEGORY) if asked.self_service < Allowed.ANSWER else None


def _own(asked: AskedQuestion, text: str) -> tuple[Allowed, ReasonKey] | None:
    is_own = asks_for_own(text) or any(kind in _OWN_FACTS for kind in asked.facts)
    return (Allowed.OFFER, ReasonKey.GATE_OWN) if is_own else None


def _secret(asked: AskedQuestion, text: str) -> tuple[Allowed, ReasonKey] | None:
    del text
    return (Allowed.AGENTS, ReasonKey.GATE_MASKED) if asked.secrets else None


def _machine(asked: AskedQuestion, text: str) -> tuple[Allowed, ReasonKey] | None:
    del text
    return (Allowed.NOTHING, ReasonKey.GATE_MACHINE) if asked.machine else None


def _case(asked: AskedQuestion, text: str) -> tuple[Allowed, ReasonKey] | None:
    del text
    if asked.by_person:
        return Allowed.AGENTS, ReasonKey.GATE_CASE_HAS_PERSON
    return (Allowed.AGENTS, ReasonKey.GATE_ENOUGH_ANSWERS) if asked.given >= ANSWERS_PER_CASE else None


def _form(asked: AskedQuestion, text: str) -> tuple[Allowed, ReasonKey] | None:
    del text
    if asked.attachments:
        return Allowed.AGENTS, ReasonKey.GATE_ATTACHMENT
    is_known = asked.language.partition("-")[0] in _ANSWERED_LANGUAGES
    return None if is_known else (Allowed.AGENTS, ReasonKey.GATE_LANGUAGE)


_GATES: Final[tuple[Gate, ...]] = (_danger, _person, _machine, _anger, _category, _own, _secret, _case, _form)


@dataclass(frozen=True, slots=True)
class Gated:
    """What the gates allow, and the reason of each that lowered it."""

    allowed: Allowed
    reasons: tuple[Reason, ...] = ()


def pass_gates(asked: AskedQuestion) -> Gated:
    """Ask every gate in order; stop at one that leaves nothing."""
    text, allowed, reasons = normal_form(asked.text), Allowed.ANSWER, []
    for most, key in _said(asked, text):
        allowed = min(allowed, most)
        reasons.append(Reason(key, {"category": asked.category or ""} if key is ReasonKey.GATE_CATEGORY else {}))
        if allowed is Allowed.NOTHING:
            break
    return Gated(allowed, tuple(reasons))


def _said(asked: AskedQuestion, text: str) -> Iterator[tuple[Allowed, ReasonKey]]:
    return (said for gate in _GATES if (said := gate(asked, text)) is not None)


def asks_for_own(text: str) -> bool:
    """Return whether a text asks for something to be done about the sender's own money or identity.

    text: in its normal form.
    """
    if _NUMBER.search(text) or _PAYMENT_DATE.search(text):
        return True
    is_general = _HOW.search(text) is not None
    return not is_general and any(rule.search(text) for rule in (_ACT_FOR_ME, _ACT_FOR_ME_LATIN, _NOT_YET))

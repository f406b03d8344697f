"""Every reason has a text in both languages and code that gives it; every value of it is in the text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

from api.text.phrases import LANGUAGES, Words
from api.text.reason_words import REASON_WORDS, SIGN_WORDS
from api.text.reasons import (
    ReasonReader,
    danger_evidence,
    in_english,
    line_in_english,
    reasons,
    say,
    say_line,
    why_line,
)
from api.text.terms.calendar_words import HOLIDAYS_IN_CHINESE, WEEKDAY_WORDS
from router.hours.holidays import public_holidays
from router.origin.verdicts import Origin, OriginKind, Signal, SignalKind
from router.reason import Reason, ReasonKey
from router.routing.trace import (
    ClassificationTrace,
    CorrelationTrace,
    DueTrace,
    HoursTrace,
    ReplyTrace,
    RouteTrace,
    Trace,
    TriedRoute,
    read_trace,
)
from router.threads.sign_kind import SignKind
from tests.inbox_builder import TRACE

ROOT = Path(__file__).parents[3]
HAN = re.compile(r"[\u4e00-\u9fff]")
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
# What is words already: of the operator, of the text, of the calendar.
GIVEN = {ReasonKey.AS_WRITTEN, ReasonKey.HINT_FOUND, ReasonKey.HOLIDAY_NAME}
CHINESE = ReasonReader(words=Words("zh"))


@cache
def given() -> dict[str, set[frozenset[str]]]:
    """Return the keys that code names, and with which values it names them where it does so at once."""
    found: dict[str, set[frozenset[str]]] = {}
    sources = (path.read_text() for room in ("router", "store", "workers") for path in (ROOT / room).rglob("*.py"))
    for source in (source for source in sources if "ReasonKey" in source):
        for node in ast.walk(ast.parse(source)):
            for key in _keys(node):
                found.setdefault(key, set())
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Reason" and node.args:
                values = node.args[1] if len(node.args) > 1 else ast.Dict([], [])
                if isinstance(values, ast.Dict):
                    for key in _keys(node.args[0]):
                        found.setdefault(key, set()).add(frozenset(each.value for each in values.keys))
    return found


def _keys(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "ReasonKey":
        yield ReasonKey[node.attr]


def holes(words: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(words) if name)


def test_every_reason_has_words_in_both_languages() -> None:
    assert set(REASON_WORDS) == set(ReasonKey)
    for key, (english, chinese) in REASON_WORDS.items():
        assert holes(english) == holes(chinese), key
        assert english.isascii() or "“" in english, key
        assert HAN.search(chinese) or key in {*GIVEN}, key


def test_no_reason_is_without_code_that_gives_it() -> None:
    assert set(ReasonKey) - given().keys() == set()


@pytest.mark.parametrize("key", ReasonKey)
def test_the_words_name_the_values_that_come_with_the_reason(key: ReasonKey) -> None:
    # A key that is chosen first and filled later is named alone.
    assert all(values == holes(REASON_WORDS[key][0]) for values in given()[key])


def test_signs_and_weekdays_have_words_in_both_languages() -> None:
    assert set(SIGN_WORDS) == set(SignKind)
    assert set(WEEKDAY_WORDS) == set(range(1, 8))
    assert all(len(words) == len(LANGUAGES) for words in (*SIGN_WORDS.values(), *WEEKDAY_WORDS.values()))


@pytest.mark.parametrize("country", ["CN", "HK", "MO", "TW", "SG"])
def test_the_holidays_of_chinese_desks_are_named_in_chinese(country: str) -> None:
    names = {
        str(reason.values["holiday_name"]).removesuffix(" (observed)")
        for year in (2025, 2026)
        for reason in public_holidays(country).year(year).closed.values()
        if reason.key == ReasonKey.HOLIDAY_NAME
    }
    assert names - HOLIDAYS_IN_CHINESE.keys() == set()


def test_a_reason_within_a_reason_reads_as_one_sentence() -> None:
    rule = Reason(ReasonKey.WEEKLY_HOURS, {"weekday": 1})
    why = Reason(ReasonKey.CLOSED_OUTSIDE_HOURS, {"rule": rule})
    assert in_english(why) == "closed, outside the hours of: weekly hours of Monday"
    assert say(why, reader=CHINESE) == "非服务时间：不在当日服务时段内（星期一常规服务时间）"


def test_the_reasons_name_the_team_that_has_the_case_where_the_message_went_to_another() -> None:
    trace = read_trace(TRACE)
    assert "now" not in {step.step for step in reasons(trace, reader=CHINESE, team="payments")}
    steps = reasons(trace, reader=CHINESE, team="risk")
    assert (steps[-1].title, steps[-1].decision) == ("当前团队", "现由risk处理")
    assert why_line(steps).endswith(" → 现由risk处理")


def test_a_holiday_that_was_moved_is_named_in_chinese() -> None:
    eve = Reason(ReasonKey.HOLIDAY_NAME, {"holiday_name": "Chinese New Year (Spring Festival) (observed)"})
    assert say(Reason(ReasonKey.PUBLIC_HOLIDAY, {"holiday": eve}), reader=CHINESE) == "法定节假日（春节（补假））"


def test_a_key_of_a_later_version_is_shown_with_its_values() -> None:
    assert in_english(Reason("danger_is_likely", {"percent": 73})) == "danger_is_likely 73"


@pytest.mark.parametrize(
    ("line", "english", "chinese"),
    [
        ("", "", ""),
        ("It nests too deep.", "It nests too deep.", "It nests too deep."),
        (
            Reason(ReasonKey.STRAY_BOUNCE).line + " | discarded by Ming: spam",
            "a bounce of a message that we did not send | discarded by Ming: spam",
            "退信所指的邮件并非我方发出 | discarded by Ming: spam",
        ),
        (
            Reason(ReasonKey.CUSTOMER_HAS_REPLIES, {"replies": 3}).line,
            "the customer got 3 automatic replies within 24 hours",
            "24 小时内已向该客户发送 3 条自动回复",
        ),
        ('{"key": broken', '{"key": broken', '{"key": broken'),
    ],
)
def test_a_column_of_text_holds_a_reason_or_a_sentence(line: str, english: str, chinese: str) -> None:
    assert (line_in_english(line), say_line(line, reader=CHINESE)) == (english, chinese)


def whole() -> Trace:
    return Trace(
        origin=Origin(OriginKind.BULK, (Reason(ReasonKey.PRECEDENCE, {"precedence": "bulk"}),)),
        signals=(Signal(SignalKind.UNVERIFIED, Reason(ReasonKey.DOMAIN_WITHOUT_RESULT)),),
        masked=("card",),
        classification=ClassificationTrace(category="refund", confidence=0.9, evidence=("退款",), facts=("amount",)),
        correlation=CorrelationTrace(
            joined=None, sign="our_token", why=Reason(ReasonKey.SENDER_TAKES_PART, {"sign": "our_token"})
        ),
        hours=HoursTrace(
            calendar="office",
            open=False,
            why=Reason(ReasonKey.CLOSED_WEEKDAY, {"weekday": 6}),
            opens_at=NOON,
            holiday=Reason(ReasonKey.HOLIDAY_EXCHANGED, {"date": date(2026, 2, 14).isoformat()}),
            gate="held",
            second_look=(Reason(ReasonKey.HINT_FOUND, {"hint": "钱 + 没了"}),),
            held_until=NOON + timedelta(days=1),
        ),
        route=RouteTrace(
            fired="all",
            team="front",
            priority="high",
            tried=(TriedRoute("vip", Reason(ReasonKey.ORIGIN_IS, {"origin": "bulk"})),),
        ),
        due=DueTrace(sla="fast", first_reply=NOON),
        reply=ReplyTrace(sent=None, why=Reason(ReasonKey.MACHINE_WROTE, {"mark": Reason(ReasonKey.OWN_MARK)})),
        other={"later": {"score": 1}},
    )


def test_what_is_written_is_read_again() -> None:
    assert read_trace(whole().to_json()) == whole()
    assert read_trace({}) == Trace()


def test_the_chinese_desk_says_no_english() -> None:
    latin = re.compile(r"[A-Za-z]{3,}")
    # Names of the operator's file, of headers and of the reader.
    known = {"refund", "office", "all", "front", "vip", "fast", "Precedence", "bulk"}
    shown = [step for step in reasons(whole(), reader=CHINESE) if step.step != "later"]
    lines = [line for step in shown for line in (step.title, step.decision, *step.evidence)]
    assert {word for line in lines for word in latin.findall(line)} - known == set()
    assert "未采用“vip”：来信性质是群发邮件" in lines


OLD: dict[str, Any] = {
    "origin": {"kind": "bulk", "why": ["list-id is set"]},
    "signals": [{"kind": "forged", "why": "The domain did not send this."}],
    "correlation": {"joined": None, "sign": "the message it answers", "why": "a new subject", "linked_to": None},
    "hours": {"calendar": "office", "open": False, "why": "closed, weekend", "second_look": ["money + gone"]},
    "route": {
        "fired": "all",
        "team": "front",
        "priority": "high",
        "tried": [{"route": "vip", "why_not": "emergency is false"}],
    },
    "reply": {"sent": None, "language": None, "why": "the route sends no reply"},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sentences_of_an_older_version_are_shown_as_they_are(language: Any) -> None:
    shown = reasons(read_trace(OLD), reader=ReasonReader(words=Words(language)))
    said = " | ".join(line for step in shown for line in step.evidence)
    for sentence in ("list-id is set", "The domain did not send this.", "a new subject", "closed, weekend"):
        assert sentence in said
    for sentence in ("money + gone", "emergency is false", "the route sends no reply"):
        assert sentence in said


def test_what_speaks_for_danger_has_words_in_both_languages() -> None:
    evidence = {
        "words": ["gave him the code"],
        "category": "refund",
        "danger": 0.09,
        "danger_evidence": [Reason(ReasonKey.HINT_FOUND, {"hint": "gave + code"}).to_json()],
    }
    english = danger_evidence(evidence, reader=ReasonReader(words=Words("en")))
    chinese = danger_evidence(evidence, reader=ReasonReader(words=Words("zh")))

    assert english == ("gave + code", "words: gave him the code", "looks like: refund", "danger: 9 % likely")
    assert chinese[-2:] == ("像是：refund", "紧急的可能性：9%")
    assert danger_evidence({}, reader=ReasonReader(words=Words("en"))) == ()

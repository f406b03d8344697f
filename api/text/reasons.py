"""Why a message is where it is: its trace in words, one reason a decision, for the page and for the API's summaries.

The trace is what `router.routing.trace.explain` wrote, maybe in another version: another shape is shown as it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

from api.text.phrases import Language, Words

_DAYS: Final = {
    "Monday": "星期一",
    "Tuesday": "星期二",
    "Wednesday": "星期三",
    "Thursday": "星期四",
    "Friday": "星期五",
    "Saturday": "星期六",
    "Sunday": "星期日",
}
# Whole sentences: what the brain writes, and how it is said.
_SENTENCES: Final[Mapping[str, str]] = {
    "nothing points at a known conversation": "没有线索指向已有会话",
    "the sender does not take part in the case pointed at": "来信人不是所指会话的参与者",
    "a new subject on a closed or old case": "旧会话上出现了新主题",
    "our token, and the sender takes part": "含有我们的编号，且来信人是参与者",
    "the message it answers, and the sender takes part": "回复了会话中的消息，且来信人是参与者",
    "a message that quotes it, and the sender takes part": "会话中的消息引用了它，且来信人是参与者",
    "our token": "我们的编号",
    "the message it answers": "所回复的消息",
    "a message that quotes it": "引用它的消息",
    "a person wrote to us": "真人来信",
    "the route sends no reply": "该路由不发送自动回复",
    "old mail is never answered by machine": "历史邮件不自动回复",
    "none of its words is there": "未出现指定词语",
    "emergency is false": "非紧急",
    "emergency is true": "属紧急",
    "its sender is a mail system": "发件人是邮件系统",
    "its sender's address takes no answers": "发件地址不接收回复",
    "its sender's address is one of ours": "发件地址属于我们自己",
    "it bears the mark of our own mail": "带有本系统邮件标记",
    "its subject is that of an absence note": "主题是休假自动回复",
    "its sender has no address": "发件人没有地址",
    "none of our addresses is in To or Cc (RFC 3834 section 2)": "收件人和抄送中没有我们的地址",
}
# Sentences with a hole. A hole may be a sentence itself.
_PATTERNS: Final = tuple(
    (re.compile(pattern), said)
    for pattern, said in (
        (r"no machine answers a machine: (.+)", "不自动答复机器：{}"),
        (r"open, (.+)", "服务中：{}"),
        (r"closed, outside the hours of: (.+)", "休息，不在时段内：{}"),
        (r"closed, no weekly hours on (.+)", "休息：{}不服务"),
        (r"closed, (.+)", "休息：{}"),
        (r"weekly hours of (.+)", "{}的常规时段"),
        (r"public holiday: (.+)", "法定节假日：{}"),
        (r"category is None", "类别未识别"),
        (r"category is (.+)", "类别为 {}"),
        (r"channel is (.+)", "渠道为 {}"),
        (r"language is (.+)", "语言为 {}"),
        (r"origin is (.+)", "来信性质为 {}"),
        (r"(.+) is open", "{} 服务中"),
        (r"(.+) is closed", "{} 已休息"),
    )
)


def said(sentence: str, *, language: Language) -> str:
    """Return the brain's sentence in the reader's language, or as it is where we have no words for it."""
    if language != "zh":
        return sentence
    known = _SENTENCES.get(sentence) or _DAYS.get(sentence)
    if known:
        return known
    for pattern, words in _PATTERNS:
        found = pattern.fullmatch(sentence)
        if found:
            return words.format(*(said(hole, language=language) for hole in found.groups()))
    return sentence


@dataclass(frozen=True, slots=True)
class Reason:
    """One decision. step: its key in the trace.  evidence: sentences; empty if it speaks for itself."""

    step: str
    title: str
    decision: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonReader:
    """Who reads. category: returns a category's title.  moment: writes a time."""

    words: Words
    category: Callable[[str], str]
    moment: Callable[[datetime], str]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Origin(_Part):
    kind: str
    why: tuple[str, ...] = ()


class _Signal(_Part):
    kind: str
    why: str = ""


class _Classification(_Part):
    category: str | None
    confidence: float
    runner_up: str | None = None
    emergency: bool = False
    evidence: tuple[str, ...] = ()
    model: str = ""
    language: str = ""
    facts: tuple[str, ...] = ()
    missing_facts: tuple[str, ...] = ()


class _Correlation(_Part):
    joined: str | None
    sign: str | None = None
    why: str = ""


class _Hours(_Part):
    calendar: str
    open: bool
    why: str = ""
    opens_at: datetime | None = None
    second_look: tuple[str, ...] = ()
    held_until: datetime | None = None


class _Tried(_Part):
    route: str
    why_not: str


class _Route(_Part):
    fired: str
    team: str
    priority: str
    tried: tuple[_Tried, ...] = ()


class _Due(_Part):
    sla: str | None
    first_reply: datetime | None = None
    next_reply: datetime | None = None
    resolve: datetime | None = None


class _Reply(_Part):
    sent: str | None
    language: str | None = None
    why: str = ""


_Told = tuple[str, list[str]]


def reasons(trace: Mapping[str, Any], *, reader: ReasonReader) -> tuple[Reason, ...]:
    """Return a reason for each decision in the trace, in the order in which they were taken."""
    known = [step for step in _STEPS if step in trace]
    found = [_reason(step, trace[step], reader=reader) for step in (*known, *(trace.keys() - _STEPS.keys()))]
    return tuple(reason for reason in found if reason is not None)


def missing_facts(trace: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return which facts a message lacked of those that its category needs; None if nobody looked for any."""
    try:
        return _Classification.model_validate(trace.get("classification")).missing_facts
    except ValidationError:
        return None


def _reason(step: str, value: Any, *, reader: ReasonReader) -> Reason | None:  # noqa: ANN401  (JSON of any version)
    title = reader.words(f"step_{step}" if step in _STEPS else step)
    if value in ([], {}, None):
        return None
    try:
        decision, evidence = _STEPS[step](value, reader)
    except (KeyError, ValidationError):
        return Reason(step, title, json.dumps(value, ensure_ascii=False, default=str), ())
    return Reason(step, title, decision, tuple(said(line, language=reader.words.language) for line in evidence if line))


def _origin(value: Any, reader: ReasonReader) -> _Told:  # noqa: ANN401
    origin = _Origin.model_validate(value)
    return reader.words(f"origin_{origin.kind.replace('-', '_')}"), list(origin.why)


def _signals(value: Any, reader: ReasonReader) -> _Told:  # noqa: ANN401
    noticed = [_Signal.model_validate(each) for each in value]
    return ", ".join(reader.words(f"signal_{each.kind}") for each in noticed), [each.why for each in noticed]


def _list(value: Any, _: ReasonReader) -> _Told:  # noqa: ANN401
    return ", ".join(map(str, value)), []


def _classification(value: Any, reader: ReasonReader) -> _Told:  # noqa: ANN401
    seen, words = _Classification.model_validate(value), reader.words
    percent = round(seen.confidence * 100)
    decision = (
        words("sure", category=reader.category(seen.category), percent=percent) if seen.category else words("abstained")
    )
    evidence = [
        words("emergency_yes") if seen.emergency else "",
        words("by_words", words=", ".join(seen.evidence)) if seen.evidence else "",
        words("runner_up", category=reader.category(seen.runner_up)) if seen.runner_up else "",
        words("in_language", language=seen.language) if seen.language else "",
        words("facts_found", facts=_facts(seen.facts, words)) if seen.facts else "",
        words("facts_missing", facts=_facts(seen.missing_facts, words)) if seen.missing_facts else "",
        words("by_model", model=seen.model) if seen.model else "",
    ]
    return decision, evidence


def _facts(kinds: tuple[str, ...], words: Words) -> str:
    return ", ".join(words(f"fact_{kind}").removeprefix("fact ") for kind in kinds)


def _correlation(value: Any, reader: ReasonReader) -> _Told:  # noqa: ANN401
    found = _Correlation.model_validate(value)
    return reader.words("joins" if found.joined else "opens_new"), [found.why or (found.sign or "")]


def _hours(value: Any, reader: ReasonReader) -> _Told:  # noqa: ANN401
    hours = _Hours.model_validate(value)
    opens = hours.opens_at if not hours.open else None
    evidence = [
        hours.why,
        reader.words("opens_at", at=reader.moment(opens)) if opens else "",
        reader.words("second_look", hints=", ".join(hours.second_look)) if hours.second_look else "",
        reader.words("held_until", at=reader.moment(hours.held_until)) if hours.held_until else "",
    ]
    return reader.words("is_open" if hours.open else "is_closed", calendar=hours.calendar), evidence


def _route(value: Any, reader: ReasonReader) -> _Told:  # noqa: ANN401
    taken, words = _Route.model_validate(value), reader.words
    decision = words("went", route=taken.fired, team=taken.team, priority=words(taken.priority))
    why_not = ((each.route, said(each.why_not, language=words.language)) for each in taken.tried)
    return decision, [words("not_taken", route=route, why=why) for route, why in why_not]


def _due(value: Any, reader: ReasonReader) -> _Told:  # noqa: ANN401
    due, words = _Due.model_validate(value), reader.words
    promises = {"first_reply": due.first_reply, "next_reply": due.next_reply, "resolve": due.resolve}
    evidence = [words("until", what=words(what), at=reader.moment(at)) for what, at in promises.items() if at]
    return words("promised", sla=due.sla) if due.sla else words("nothing_promised"), evidence


def _reply(value: Any, reader: ReasonReader) -> _Told:  # noqa: ANN401
    reply, words = _Reply.model_validate(value), reader.words
    return words("replied", reply=reply.sent, language=reply.language) if reply.sent else words("not_replied"), [
        reply.why
    ]


_STEPS: Final[Mapping[str, Callable[[Any, ReasonReader], _Told]]] = {
    "origin": _origin,
    "signals": _signals,
    "masked": _list,
    "defects": _list,
    "classification": _classification,
    "correlation": _correlation,
    "hours": _hours,
    "route": _route,
    "due": _due,
    "reply": _reply,
}

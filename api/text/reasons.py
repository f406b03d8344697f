"""Put the trace of a message into words, one step per decision, for the pages, REST and the terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from api.text.blanks import fill
from api.text.phrases import Words, phrase_in
from api.text.reason_words import REASON_WORDS, SIGN_WORDS
from api.text.terms.calendar_words import HOLIDAYS_IN_CHINESE, WEEKDAY_WORDS
from api.text.terms.sentences import say_trouble
from router.hours.holidays import OBSERVED
from router.reason import Reason, ReasonKey, read_line
from router.routing.trace import ClassificationTrace, Trace


@dataclass(frozen=True, slots=True)
class ExplainedStep:
    """One decision. step: its key in the trace.  evidence: sentences; empty if the decision needs none."""

    step: str
    title: str
    decision: str
    evidence: tuple[str, ...]


def _as_named(kind: str, name: str) -> str:
    del kind
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonReader:
    """Formats for a reader. title: returns the title of a name of the operator's file.  moment: formats a time."""

    words: Words
    title: Callable[[str, str], str] = _as_named
    moment: Callable[[datetime], str] = datetime.isoformat


_PROGRAM: Final = ReasonReader(words=Words("en"))


def say(reason: Reason, *, reader: ReasonReader) -> str:
    """Return the reason in the reader's language; an unknown key with its values, as they are."""
    if reason.key == ReasonKey.AS_WRITTEN:
        return say_trouble(str(reason.values.get("text", "")), words=reader.words)
    values = {name: _value(name, value, reader=reader) for name, value in reason.values.items()}
    words = REASON_WORDS.get(reason.key)
    try:
        return fill(phrase_in(reader.words.language, words), values) if words else _raw(reason.key, values)
    except KeyError:
        return _raw(reason.key, values)


def say_line(text: str, *, reader: ReasonReader) -> str:
    """Return the reason in a text column in the reader's language; empty for none."""
    return "".join(say(reason, reader=reader) for reason in read_line(text))


def line_in_english(text: str) -> str:
    """Return the reason in a text column in English."""
    return say_line(text, reader=_PROGRAM)


def in_english(reason: Reason) -> str:
    """Return the reason in English, with names and times as stored."""
    return say(reason, reader=_PROGRAM)


def _raw(key: str, values: Mapping[str, str]) -> str:
    return " ".join((key, *values.values()))


def _value(name: str, value: str | int | Reason, *, reader: ReasonReader) -> str:
    if isinstance(value, Reason):
        return say(value, reader=reader)
    tell = _VALUES.get(name)
    return tell(str(value), reader) if tell else str(value)


def language_name(tag: str, *, words: Words) -> str:
    """Return the name of a language in the reader's; the tag (BCP 47) if it has none."""
    return words(f"language_{tag}") if words.knows(f"language_{tag}") else tag


def _sign(sign: str, reader: ReasonReader) -> str:
    return phrase_in(reader.words.language, SIGN_WORDS[sign]) if sign in SIGN_WORDS else sign


def _weekday(number: str, reader: ReasonReader) -> str:
    return phrase_in(reader.words.language, WEEKDAY_WORDS[int(number)])


def _holiday(name: str, reader: ReasonReader) -> str:
    if reader.words.language != "zh":
        return name
    bare = name.removesuffix(OBSERVED)
    said = HOLIDAYS_IN_CHINESE.get(bare, bare)
    return f"{said}（补假）" if name != bare else said


def _titled(kind: str) -> Callable[[str, ReasonReader], str]:
    return lambda name, reader: reader.title(kind, name)


# As `router.danger.pairs.MEET`, which needs the whole reader of dangers.
_MEET: Final = " + "


def _meeting(names: str, reader: ReasonReader) -> str:
    """Return the names of groups that met in one sentence, as "login + not mine"; of one alone, its name."""
    return _MEET.join(reader.title("group", each) for each in names.split(_MEET))


# By name: values whose text depends on the reader.
_VALUES: Final[Mapping[str, Callable[[str, ReasonReader], str]]] = {
    **{kind: _titled(kind) for kind in ("category", "channel", "calendar", "team", "reply", "pair")},
    "groups": lambda names, reader: _listed((_meeting(each, reader) for each in names.split(", ")), reader),
    "text": lambda text, reader: say_trouble(text, words=reader.words),
    "language": lambda tag, reader: language_name(tag, words=reader.words),
    "at": lambda at, reader: reader.moment(datetime.fromisoformat(at)),
    "origin": lambda kind, reader: reader.words(f"origin_{kind}"),
    "sign": _sign,
    "weekday": _weekday,
    "holiday_name": _holiday,
}


def reasons(trace: Trace, *, reader: ReasonReader, team: str = "") -> tuple[ExplainedStep, ...]:
    """Return a step for each decision in the trace, in their order.

    team: who has the case now. A step says so if the trace names another one, as for a message that was split off.
    """
    found = []
    for step, tell in _STEPS.items():
        title = reader.words(f"step_{step}")
        if step in trace.other:
            found.append(_as_it_is(step, trace.other[step], title=title))
        elif shown := tell(trace, reader):
            found.append(ExplainedStep(step, title, shown[0], tuple(line for line in shown[1] if line)))
    later = (_as_it_is(step, value, title=step) for step, value in trace.other.items() if step not in _STEPS)
    if team and trace.route and trace.route.team != team:
        now = reader.words("is_with", team=reader.title("team", team))
        found.append(ExplainedStep("now", reader.words("step_now"), now, ()))
    return (*found, *later)


def why_line(steps: Iterable[ExplainedStep]) -> str:
    """Return why a conversation is here in one line: what it is about, and where it went."""
    said = {step.step: step.decision for step in steps}
    return " → ".join(filter(None, map(said.get, ("classification", "route", "now"))))


def danger_evidence(evidence: Mapping[str, Any], *, reader: ReasonReader) -> tuple[str, ...]:
    """Return what spoke for danger when the message came, as sentences. evidence: as an emergency keeps it."""
    words, category, danger = evidence.get("words"), evidence.get("category"), evidence.get("danger")
    lines = [
        *(_stored(each, reader=reader) for each in evidence.get("danger_evidence", ())),
        reader.words("by_words", words=_listed(words, reader)) if words else "",
        reader.words("seems_about", category=reader.title("category", category)) if category else "",
        reader.words("danger_percent", percent=round(100 * danger)) if danger else "",
    ]
    return tuple(dict.fromkeys(line for line in lines if line))


def _stored(value: object, *, reader: ReasonReader) -> str:
    """Return a reason that was kept as JSON."""
    return "".join(say(reason, reader=reader) for reason in read_line(json.dumps(value)))


def _as_it_is(step: str, value: object, *, title: str) -> ExplainedStep:
    return ExplainedStep(step, title, json.dumps(value, ensure_ascii=False, default=str), ())


_Shown = tuple[str, list[str]]


def _origin(trace: Trace, reader: ReasonReader) -> _Shown | None:
    if trace.origin is None:
        return None
    return reader.words(f"origin_{trace.origin.kind.value}"), [say(each, reader=reader) for each in trace.origin.why]


def _correspondent(trace: Trace, reader: ReasonReader) -> _Shown | None:
    found, words = trace.correspondent, reader.words
    if found is None:
        return None
    other = words("also_named", address=found.other) if found.other else ""
    evidence = [words("answers_go_to", address=found.answer_to), other]
    return words("named_by", address=found.address, source=words(f"source_{found.source}")), evidence


def _signals(trace: Trace, reader: ReasonReader) -> _Shown | None:
    if not trace.signals:
        return None
    kinds = _listed((reader.words(f"signal_{each.kind.value}") for each in trace.signals), reader)
    return kinds, [say(each.why, reader=reader) for each in trace.signals]


def _masked(trace: Trace, reader: ReasonReader) -> _Shown | None:
    return (_listed((reader.words(f"masked_{kind}") for kind in trace.masked), reader), []) if trace.masked else None


def _defects(trace: Trace, reader: ReasonReader) -> _Shown | None:
    said = (say_trouble(defect, words=reader.words) for defect in trace.defects)
    return (_listed(said, reader), []) if trace.defects else None


def _listed(words: Iterable[str], reader: ReasonReader) -> str:
    return ("、" if reader.words.language == "zh" else ", ").join(words)


def _classification(trace: Trace, reader: ReasonReader) -> _Shown | None:
    seen, words = trace.classification, reader.words
    if seen is None:
        return None
    percent = round(seen.confidence * 100)
    decision = (
        words("sure", category=reader.title("category", seen.category), percent=percent)
        if seen.category
        else words(f"remark_{seen.remark}" if seen.remark else "abstained")
    )
    evidence = [
        *_danger(seen, reader),
        words("by_words", words=_listed(seen.evidence, reader)) if seen.evidence else "",
        words("runner_up", category=reader.title("category", seen.runner_up))
        if seen.runner_up and not seen.remark
        else "",
        words("in_language", language=language_name(seen.language, words=words)) if seen.language else "",
        words("facts_found", facts=_facts(seen.facts, reader)) if seen.facts else "",
        words("facts_missing", facts=_facts(seen.missing_facts, reader)) if seen.missing_facts else "",
        words("by_model", model=reader.title("model", seen.model)) if seen.model else "",
    ]
    return decision, evidence


def _danger(seen: ClassificationTrace, reader: ReasonReader) -> list[str]:
    """Return how danger was judged: the outcome, its probability and its evidence; nothing for none."""
    if not (seen.emergency or seen.possible_danger):
        return []
    outcome = "emergency_yes" if seen.emergency else "danger_possible"
    shares = {"percent": seen.danger, "threshold": seen.danger_threshold}
    known = {name: round(100 * share) for name, share in shares.items() if share is not None}
    probable = [reader.words("danger_share", **known)] if len(known) == len(shares) else []
    return [reader.words(outcome), *probable, *(say(each, reader=reader) for each in seen.danger_evidence)]


def _facts(kinds: tuple[str, ...], reader: ReasonReader) -> str:
    return _listed((reader.words(f"fact_{kind}").removeprefix("fact ") for kind in kinds), reader)


def _correlation(trace: Trace, reader: ReasonReader) -> _Shown | None:
    found = trace.correlation
    if found is None:
        return None
    why = say(found.why, reader=reader) if found.why else ""
    return reader.words("joins" if found.joined else "opens_new"), [why or _sign(found.sign, reader)]


def _hours(trace: Trace, reader: ReasonReader) -> _Shown | None:
    hours, words = trace.hours, reader.words
    if hours is None:
        return None
    opens = hours.opens_at if not hours.open else None
    hints = _listed((say(each, reader=reader) for each in hours.second_look), reader)
    evidence = [
        say(hours.why, reader=reader) if hours.why else "",
        words("opens_at", at=reader.moment(opens)) if opens else "",
        words("second_look", hints=hints) if hints else "",
        words("held_until", at=reader.moment(hours.held_until)) if hours.held_until else "",
    ]
    return words("is_open" if hours.open else "is_closed", calendar=reader.title("calendar", hours.calendar)), evidence


def _route(trace: Trace, reader: ReasonReader) -> _Shown | None:
    taken, words = trace.route, reader.words
    if taken is None:
        return None
    went = {"route": reader.title("route", taken.fired), "team": reader.title("team", taken.team)}
    decision = words("went", **went, priority=words(taken.priority))
    names = [reader.title("route", each.route) for each in taken.tried]
    tried = [
        words("not_taken", route=name, why=say(each.why_not, reader=reader))
        for name, each in zip(names, taken.tried, strict=True)
    ]
    return decision, tried


def _due(trace: Trace, reader: ReasonReader) -> _Shown | None:
    due, words = trace.due, reader.words
    if due is None:
        return None
    promises = {"first_reply": due.first_reply, "next_reply": due.next_reply, "resolve": due.resolve}
    evidence = [words("until", what=words(what), at=reader.moment(at)) for what, at in promises.items() if at]
    return words("promised", sla=reader.title("sla", due.sla)) if due.sla else words("nothing_promised"), evidence


def _reply(trace: Trace, reader: ReasonReader) -> _Shown | None:
    reply, words = trace.reply, reader.words
    if reply is None:
        return None
    why = say(reply.why, reader=reader) if reply.why else ""
    if reply.sent is None:
        return words("not_replied"), [why]
    language = language_name(reply.language or "", words=words)
    return words("replied", reply=reader.title("reply", reply.sent), language=language), [why]


_STEPS: Final[Mapping[str, Callable[[Trace, ReasonReader], _Shown | None]]] = {
    "origin": _origin,
    "correspondent": _correspondent,
    "signals": _signals,
    "masked": _masked,
    "defects": _defects,
    "classification": _classification,
    "correlation": _correlation,
    "hours": _hours,
    "route": _route,
    "due": _due,
    "reply": _reply,
}

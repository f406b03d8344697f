"""Say a row of the audit trail as a sentence: who did what with which case, customer or agent."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from markupsafe import Markup, escape

from api.paths import API
from api.rest.audit import AuditEntryShown
from api.text.phrases import WORDS, Words, phrase_in
from api.text.terms.config_names import ConfigNames
from api.text.terms.request_names import REQUEST_NAMES
from api.text.times import Moments
from router.event_kinds import EventKind
from router.text.case_tokens import typed_reference
from router.text.customer_name import in_language
from store.desk.access.audited_things import AuditedThing, ThingKind
from store.desk.audit import AuditAction

Things = Mapping[UUID, AuditedThing]

_HOLE: Final = re.compile(r"\{(\w+)\}")
# The rows of the terminal, and of a message that it routed again.
_TERMINAL: Final = frozenset({"the command line", "operator"})
_UNKNOWN: Final = "unknown"
_SHORT_ID: Final = 8
# The group of a kind in the list of kinds, by its noun.
_GROUPS: Final[Mapping[str, str]] = {
    **{noun: noun for noun in ("request", "session", "agent", "conversation", "message", "outbound", "contact")},
    **dict.fromkeys(("chat",), "conversation"),
    **dict.fromkeys(("call", "rating", "inbound", "quarantine"), "message"),
    **dict.fromkeys(("emergency", "danger", "outage", "sla", "assignment"), "danger"),
    **dict.fromkeys(("answer", "text"), "answer"),
    **dict.fromkeys(("original", "case"), "original"),
}
_PHRASES: Final[Mapping[ThingKind, str]] = {
    ThingKind.MESSAGE: "audit_message_of",
    ThingKind.OUTBOUND: "audit_outgoing_of",
    ThingKind.FILE: "audit_file_of",
    ThingKind.NAMED: "audit_named",
}


@dataclass(frozen=True, slots=True)
class AuditLine:
    """A row as the page shows it. who, sentence: HTML.  raw: the record as it is, key and value."""

    entry: AuditEntryShown
    who: Markup
    sentence: Markup
    raw: tuple[tuple[str, str], ...]


def ids_in(entries: Iterable[AuditEntryShown]) -> set[UUID]:
    """Return every id that the rows name."""
    said = (text for row in entries for text in (*row.object.split(), *map(str, row.detail.values())))
    return {found for text in said if (found := _uuid(text))}


def kinds_in_words(words: Words) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return every kind of row with its words, by group: title, and pairs of kind and words."""
    groups = [*dict.fromkeys(_GROUPS.values()), "other"]
    kinds = sorted((*AuditAction, *EventKind), key=lambda kind: groups.index(_group(kind)))
    return [
        (words(f"audit_group_{group}"), [(str(kind), _in_general(str(kind), words)) for kind in found])
        for group, found in groupby(kinds, key=_group)
    ]


def _group(kind: str) -> str:
    return _GROUPS.get(kind.partition(".")[0], "other")


def _in_general(kind: str, words: Words) -> str:
    """Return what a kind of row says, without its values."""
    key = f"audit_kind_{kind}" if words.knows(f"audit_kind_{kind}") else f"audit_{kind}"
    return _HOLE.sub("…", phrase_in(words.language, WORDS[key]))


@dataclass(frozen=True, slots=True)
class AuditTeller:
    """Says rows to a reader. things: what the ids stand for."""

    names: ConfigNames
    moments: Moments
    things: Things

    @property
    def words(self) -> Words:
        """The reader's language."""
        return self.names.words

    def line(self, row: AuditEntryShown) -> AuditLine:
        """Return a row in words."""
        return AuditLine(row, self._who(row), self.sentence(row), tuple(_raw(row)))

    def sentence(self, row: AuditEntryShown) -> Markup:
        """Return what was done, as HTML; of a kind that this version does not know, its name."""
        key = f"audit_{row.action}"
        if not self.words.knows(key):
            return escape(row.action)
        special = f"{key}/{_variant(row)}"
        return self._filled(special if self.words.knows(special) else key, _Values(self, row))

    def _who(self, row: AuditEntryShown) -> Markup:
        user = row.detail.get("user")
        if row.actor_id is None and row.actor in _TERMINAL:
            return escape(self.words("audit_by_user", user=user) if user else self.words("audit_by_terminal"))
        return escape(self.words("audit_by_unknown") if row.actor_id is None and row.actor == _UNKNOWN else row.actor)

    def _filled(self, key: str, values: Mapping[str, Markup]) -> Markup:
        return _fill(phrase_in(self.words.language, WORDS[key]), values)

    def thing(self, text: str) -> Markup:
        """Return what an id, a reference or a name stands for, as HTML."""
        found = _uuid(text)
        if found is None:
            reference = typed_reference(text)
            return _case_link(reference) if reference and reference == text else escape(text)
        known = self.things.get(found)
        return self._known(found, known) if known else Markup("<code>{}…</code>").format(text[:_SHORT_ID])

    def _known(self, found: UUID, known: AuditedThing) -> Markup:
        if known.kind is ThingKind.CONTACT:
            called = in_language(known.name, language=self.words.language) or self.words("audit_unnamed_contact")
            return Markup('<a href="/people/{}">{}</a>').format(found, called)
        values = {"case": _case_link(known.reference), "name": escape(known.name)}
        if known.kind in {ThingKind.MESSAGE, ThingKind.OUTBOUND} and not known.reference:
            return self._filled("audit_message_in", {"channel": escape(self.names("channel", known.name))})
        phrase = _PHRASES.get(known.kind)
        return self._filled(phrase, values) if phrase else values["case" if known.kind is ThingKind.CASE else "name"]

    def case_of(self, text: str) -> Markup:
        """Return the link to the case that an id belongs to."""
        found = _uuid(text)
        known = self.things.get(found) if found else None
        return _case_link(known.reference) if known and known.reference else self.thing(text)

    def asked(self, row: AuditEntryShown) -> Markup:
        """Return what a request looked at, or did."""
        method, route = str(row.detail.get("method")), str(row.detail.get("route"))
        method = "GET" if method == "HEAD" else method
        named = REQUEST_NAMES.get(f"{method} {route.removeprefix(API) or '/'}")
        if named is None:
            return escape(self.words("audit_some_page" if method == "GET" else "audit_some_deed"))
        holes, parts = _HOLE.findall(route), row.object.split(" ")
        values = {hole: self.thing(part) for hole, part in zip(holes, parts, strict=False) if part}
        return _fill(phrase_in(self.words.language, named), {**dict.fromkeys(holes, escape("…")), **values})


class _Values(dict[str, Markup]):
    """The values of a sentence, made when they are asked for."""

    def __init__(self, teller: AuditTeller, row: AuditEntryShown) -> None:
        super().__init__()
        self._teller, self._row = teller, row

    def __missing__(self, name: str) -> Markup:
        teller, row = self._teller, self._row
        if name in _OF_THE_ROW:
            return _OF_THE_ROW[name](teller, row)
        if name == "why" and "status" in row.detail:
            return _refusal(row, teller.words)
        said = row.detail.get(name)
        if said in {None, ""}:
            return escape(teller.words("audit_nothing"))
        tell = _VALUES.get(name) or _BY_ACTION.get((row.action, name))
        return escape(tell(str(said), teller)) if tell else teller.thing(str(said))


# By name: values that are not in the detail.
_OF_THE_ROW: Final[Mapping[str, Callable[[AuditTeller, AuditEntryShown], Markup]]] = {
    "thing": lambda teller, row: teller.asked(row),
    "deed": lambda teller, row: teller.asked(row),
    "about": lambda teller, row: teller.thing(row.object),
    "contact": lambda teller, row: teller.thing(row.object),
    "case": lambda teller, row: teller.case_of(row.object),
}


def _refusal(row: AuditEntryShown, words: Words) -> Markup:
    key = f"audit_refused_{row.detail['status']}"
    return escape(words(key) if words.knows(key) else words("audit_refused", status=row.detail["status"]))


def _word(text: str, teller: AuditTeller) -> str:
    return teller.words(text)


def _until(text: str, teller: AuditTeller) -> str:
    return teller.moments.short(datetime.fromisoformat(text))


def _labels(text: str, teller: AuditTeller) -> str:
    return teller.words("comma").join(teller.names("label", each) for each in text.split(", "))


def _session_why(text: str, teller: AuditTeller) -> str:
    key = f"audit_why_{text.partition(':')[0].replace(' ', '_')}"
    return teller.words(key) if teller.words.knows(key) else text


_VALUES: Final[Mapping[str, Callable[[str, AuditTeller], str]]] = {
    "team": lambda text, teller: teller.names("team", text),
    "category": lambda text, teller: teller.names("category", text),
    "channel": lambda text, teller: teller.names("channel", text),
    "role": lambda text, teller: teller.words(f"role_{text}"),
    "priority": _word,
    "labels": _labels,
    "until": _until,
    # What a person typed as a reason stays as it is.
    "reason": lambda text, _: text,
    "answer": lambda text, _: text,
    "address": lambda text, _: text,
}
_BY_ACTION: Final[Mapping[tuple[str, str], Callable[[str, AuditTeller], str]]] = {
    (AuditAction.SESSION_REFUSED, "why"): _session_why,
    (EventKind.CONVERSATION_PRIORITISED, "from"): _word,
    (EventKind.CONVERSATION_STATUS_CHANGED, "from"): _word,
    (EventKind.CONVERSATION_STATUS_CHANGED, "to"): _word,
    (EventKind.QUARANTINE_DISCARDED, "why"): lambda text, _: text,
}


def _variant(row: AuditEntryShown) -> str:
    """Return which sentence of a kind says these values; empty for the usual one."""
    choose = _VARIANTS.get(row.action)
    return choose(row, row.detail) if choose else ""


def _duty(row: AuditEntryShown, detail: Mapping[str, Any]) -> str:
    if set(detail) != {"agent", "available"}:
        return ""
    turned = "on" if str(detail["available"]).lower() == "true" else "away"
    return f"self_{turned}" if detail["agent"] == row.actor else turned


def _assigned(row: AuditEntryShown, detail: Mapping[str, Any]) -> str:
    if not detail.get("assignee"):
        return "unassigned"
    return "self" if detail["assignee"] == row.actor else ""


def _refused(_: AuditEntryShown, detail: Mapping[str, Any]) -> str:
    if "route" not in detail:
        return "token"
    return "read" if detail.get("method") in {"GET", "HEAD"} else ""


def _recategorised(_: AuditEntryShown, detail: Mapping[str, Any]) -> str:
    if detail.get("category"):
        return ""
    return "unknown" if detail.get("unknown") else "none"


_VARIANTS: Final[Mapping[str, Callable[[AuditEntryShown, Mapping[str, Any]], str]]] = {
    AuditAction.REQUEST_LISTED: lambda _, detail: "rows" if "rows" in detail else "",
    AuditAction.REQUEST_REFUSED: _refused,
    AuditAction.SESSION_REFUSED: lambda row, _: "as" if row.object else "",
    AuditAction.AGENT_SET: lambda _, detail: "role" if "role" in detail else "",
    EventKind.AGENT_DUTY_CHANGED: _duty,
    EventKind.CONVERSATION_ASSIGNED: _assigned,
    EventKind.CONVERSATION_RECATEGORISED: _recategorised,
    EventKind.CONVERSATION_STATUS_CHANGED: lambda _, detail: str(detail.get("to")),
    EventKind.ANSWER_JUDGED: lambda _, detail: str(detail.get("verdict")),
    EventKind.ANSWER_PHRASING: lambda _, detail: str(detail.get("state")),
}


def _fill(phrase: str, values: Mapping[str, Markup]) -> Markup:
    parts = _HOLE.split(phrase)
    return Markup("").join(values[part] if place % 2 else escape(part) for place, part in enumerate(parts))


def _case_link(reference: str) -> Markup:
    return Markup('<a href="/conversations/{0}">#{0}</a>').format(reference)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _raw(row: AuditEntryShown) -> Iterator[tuple[str, str]]:
    yield "action", row.action
    yield "actor", f"{row.actor} {row.actor_id or ''}".strip()
    yield "object", row.object
    yield from ((name, str(value)) for name, value in row.detail.items())
    yield "at", row.at.isoformat()
    yield "id", str(row.id)
    yield "hash", str(row.hash)

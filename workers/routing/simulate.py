"""Compare the decisions of two configurations on stored messages."""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Final
from uuid import UUID

from router.analysis import Analysis, classify_again
from router.answers.caution import AskedQuestion
from router.envelope import from_json
from router.origin.verdicts import OriginKind
from router.routing.conditions import Background
from router.routing.routes import Decision
from router.settings import load_settings
from store.contacts.contact_labels import labels_of
from store.db.engine import Database
from store.inbound.stored_messages import StoredMessage, stored_batch
from workers.answering.answerer import MODES
from workers.answering.category_limits import self_service_of
from workers.answering.library import AnswerLibrary
from workers.routing.brain import Brain, build_brain
from workers.training.learn import encoder_of

# The compared parts of a decision, in the order of display.
FIELDS: Final = ("category", "gate", "route", "team", "priority", "reply", "first reply due", "resolve due")
_DUE: Final = frozenset({"first reply due", "resolve due"})


Libraries = tuple[AnswerLibrary, AnswerLibrary]


@dataclass(frozen=True, slots=True)
class ReplayInput:
    """A stored message and the current labels of its contact."""

    stored: StoredMessage
    labels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedMessage:
    """One message with a different decision. changes: field -> before and after."""

    reference: str
    received_at: datetime
    channel: str
    subject: str
    changes: dict[str, tuple[str, str]]


@dataclass(slots=True)
class Difference:
    """The differences over a number of messages.

    messages, opened: how many were read, and how many of them opened a conversation.  changed: how many differ.
    transitions: field, before, after -> how many.
    """

    messages: int = 0
    shut: int = 0
    opened: int = 0
    changed: int = 0
    transitions: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    examples: list[ChangedMessage] = field(default_factory=list)

    def add(self, other: Difference, *, most_examples: int) -> None:
        """Add another difference; keep examples of as many kinds as possible."""
        self.messages += other.messages
        self.shut += other.shut
        self.opened += other.opened
        self.changed += other.changed
        self.transitions.update(other.transitions)
        self.examples = pick([*self.examples, *other.examples], most=most_examples)


def pick(examples: Iterable[ChangedMessage], *, most: int) -> list[ChangedMessage]:
    """Return up to `most` examples of each kind of change, earliest first."""
    kept: dict[tuple[str, ...], list[ChangedMessage]] = {}
    for example in sorted(examples, key=lambda each: (each.received_at, each.reference)):
        kind = tuple(
            f"{name} {before} {after}" for name, (before, after) in example.changes.items() if name not in _DUE
        )
        if len(kept.setdefault(kind, [])) < most:
            kept[kind].append(example)
    return [example for group in kept.values() for example in group]


def compare_batch(
    batch: Sequence[ReplayInput], *, before: Brain, after: Brain, most_examples: int, libraries: Libraries | None = None
) -> Difference:
    """Decide a batch of stored messages under both configurations, without writing anything.

    libraries: the FAQs of both; None where no channel of either offers or answers.
    """
    shut = sum(bool(each.stored.shut) for each in batch)
    batch = [each for each in batch if not each.stored.shut]
    envelopes = [replace(from_json(each.stored.envelope), received_at=each.stored.received_at) for each in batch]
    old = before.read_batch(envelopes)
    new = _read_again(old, before=before, after=after)
    found = Difference(messages=len(batch), shut=shut)
    for each, was, would_be in zip(batch, old, new, strict=True):
        _compare(each, (was, would_be), brains=(before, after), libraries=libraries, found=found)
    found.examples = pick(found.examples, most=most_examples)
    return found


def _read_again(analyses: Sequence[Analysis], *, before: Brain, after: Brain) -> Sequence[Analysis]:
    """Return the analyses of the other configuration; repeat only the steps whose settings differ."""
    envelopes = [analysis.envelope for analysis in analyses]
    channels = {envelope.channel for envelope in envelopes}
    old, new = before.settings.believed_authserv_id, after.settings.believed_authserv_id
    believes_others = any(old(channel) != new(channel) for channel in channels)
    if believes_others or (before.own, before.settings.omniyard) != (after.own, after.settings.omniyard):
        return after.read_batch(envelopes)
    if before.settings.categories == after.settings.categories:
        return analyses
    return classify_again(analyses, classifier=after.classifier)


def _compare(
    each: ReplayInput,
    analyses: tuple[Analysis, Analysis],
    *,
    brains: tuple[Brain, Brain],
    libraries: Libraries | None,
    found: Difference,
) -> None:
    stored = each.stored
    if not stored.opened and analyses[0].origin.kind is OriginKind.BOUNCE:
        return
    background = Background(contact_labels=each.labels, follows_case=stored.opened and stored.linked_to is not None)
    decisions = [
        brain.table.decide(analysis, now=stored.received_at, background=background)
        for brain, analysis in zip(brains, analyses, strict=True)
    ]
    sides = [
        _values_of(analysis, decision) if stored.opened else {"raises its case": _yes(decision.emergency)}
        for analysis, decision in zip(analyses, decisions, strict=True)
    ]
    if libraries:
        for side, brain, library, analysis, decision in zip(sides, brains, libraries, analyses, decisions, strict=True):
            side["automatic answer"] = _answer_of(analysis, decision, brain=brain, library=library)
    found.opened += stored.opened
    changes = {name: (sides[0][name], sides[1][name]) for name in sides[0] if sides[0][name] != sides[1][name]}
    if changes:
        found.changed += 1
        found.transitions.update(_transition(name, values) for name, values in changes.items())
        found.examples.append(_example(stored, analyses[0], changes))


def _answer_of(analysis: Analysis, decision: Decision, *, brain: Brain, library: AnswerLibrary) -> str:
    """Return what the machine would do with a message as the first one of its case."""
    settings, found = brain.settings, analysis.classification
    mode = settings.answer_mode(analysis.envelope.channel)
    if mode not in {"offer", "answer"} or decision.emergency or analysis.origin.kind is not OriginKind.PERSON:
        return "none"
    asked = AskedQuestion(
        text=analysis.shown.text or analysis.shown.subject,
        category=found.category,
        self_service=self_service_of(settings, found.category),
        danger=found.possible_danger or bool(decision.hints),
        facts=tuple(fact.kind for fact in found.facts),
        secrets=analysis.shown.secrets,
        language=found.language,
        attachments=len(analysis.shown.file_names),
    )
    decided = library.book().decide(asked, mode=MODES[mode], today=analysis.envelope.received_at.date())
    return f"{decided.outcome} {decided.best or ''}".strip()


def _values_of(analysis: Analysis, decision: Decision) -> dict[str, str]:
    due = decision.due
    values = (
        analysis.classification.category or "not recognised",
        decision.gate.value,
        decision.route.name,
        decision.team,
        decision.route.priority,
        decision.route.reply or "none",
        _moment(due.first_reply),
        _moment(due.resolve),
    )
    return dict(zip(FIELDS, values, strict=True))


def _transition(name: str, values: tuple[str, str]) -> tuple[str, str, str]:
    """Return the key for counting: the direction for due times, the values for every other field."""
    before, after = values
    if name not in _DUE or "none" in values:
        return (name, _some(name, before), _some(name, after))
    return (name, "promised", "earlier" if after < before else "later")


def _some(name: str, value: str) -> str:
    return "promised" if name in _DUE and value != "none" else value


def _example(stored: StoredMessage, analysis: Analysis, changes: dict[str, tuple[str, str]]) -> ChangedMessage:
    return ChangedMessage(
        reference=stored.reference,
        received_at=stored.received_at,
        channel=analysis.envelope.channel,
        subject=analysis.shown.subject,
        changes=changes,
    )


def _moment(at: datetime | None) -> str:
    return at.isoformat(timespec="minutes") if at else "none"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


_BATCH: Final = 500
# So many batches take less time than the start of other processes.
_WORTH_PROCESSES: Final = 8
# How many batches wait for a process; more would only use memory.
_AHEAD: Final = 8
_Files = tuple[Path, Path]
_Batch = list[ReplayInput]


def simulate(
    database: Database,
    *,
    files: _Files,
    since: datetime,
    most_examples: int = 3,
    on_batch: Callable[[Difference], None] = lambda _: None,
) -> Difference:
    """Return the differences for the messages since `since`.

    files: the configuration in force, and the other; files and not settings, because each process reads them itself.
    on_batch: called with the difference so far.
    Raises ConfigError if either file cannot be used.
    """
    found, batches = Difference(), _batches(database, files=files, since=since)
    for difference in _compared(batches, files=files, most_examples=most_examples):
        found.add(difference, most_examples=most_examples)
        on_batch(found)
    return found


def _batches(database: Database, *, files: _Files, since: datetime) -> Iterator[_Batch]:
    wants_labels = any(brain.table.asks_for_labels for brain in _brains(files))
    after: UUID | None = None
    while True:
        with database.read() as connection:
            rows, after = stored_batch(connection, since=since, after=after, limit=_BATCH)
            labels = labels_of(connection, {row.contact_id for row in rows}) if wants_labels else {}
        if rows:
            yield [ReplayInput(row, labels.get(row.contact_id, frozenset())) for row in rows]
        if after is None:
            return


def _compared(batches: Iterator[_Batch], *, files: _Files, most_examples: int) -> Iterator[Difference]:
    first = list(islice(batches, _WORTH_PROCESSES))
    if len(first) < _WORTH_PROCESSES:
        yield from (_compare_one(files, batch, most_examples) for batch in first)
        return
    # Spawn instead of fork, because this process may have threads.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        waiting: deque[Future[Difference]] = deque()
        for batch in chain(first, batches):
            waiting.append(pool.submit(_compare_one, files, batch, most_examples))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _compare_one(files: _Files, batch: _Batch, most_examples: int) -> Difference:
    before, after = _brains(files)
    return compare_batch(batch, before=before, after=after, most_examples=most_examples, libraries=_libraries(files))


@cache
def _libraries(files: _Files) -> Libraries | None:
    brains = _brains(files)
    modes = {brain.settings.answer_mode(name) for brain in brains for name in brain.settings.channels}
    if not modes & {"offer", "answer"}:
        return None
    encoder = encoder_of(brains[0].settings)
    first, second = (
        AnswerLibrary(brain.settings, encoder=lambda: encoder, config=file)
        for brain, file in zip(brains, files, strict=True)
    )
    return first, second


@cache
def _brains(files: _Files) -> tuple[Brain, Brain]:
    # A simulation checks no thread token, and a file on trial must not create a key.
    before, after = (build_brain(load_settings(path), key=b"") for path in files)
    return before, after

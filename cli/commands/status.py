"""`omniyard status`: per channel how far it was read, the lag, the last error, and whether the books balance."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console, Group
from rich.text import Text

from cli.desk import open_desk
from cli.main import FAILED
from cli.terminal import ConfigOption, JsonOption, age, print_json, table
from router.answers.faq import out_of_force
from router.errors import TransientError
from router.hours.calendar import Calendar
from router.hours.from_settings import build_calendars
from router.settings import Settings
from router.settings.files import find_settings, load_danger_words
from store.chat.explained import ChatCounts, count_chats
from store.db.engine import Database
from store.desk.channel_status import ChannelStatus, DeskStatus, read_status
from workers.answering.faq_files import faq_folder, read_faq_folder
from workers.answering.silence import why_silent
from workers.training.lessons import EXAMPLES_CHANGED, examples_changed
from workers.training.model_store import ModelFolder, touched_since

_EVERY_SECONDS: Final = 2.0
_MOST_ANSWERS: Final = 5
_COLUMNS: Final = ("channel", "poll", "cursor", "server", "in", "routed", "dup", "quar", "wait", "lag")


def status_command(
    config: ConfigOption = None,
    as_json: JsonOption = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh the screen every two seconds.")] = False,
) -> None:
    """Show each channel and whether the books balance: accepted = routed + duplicate + quarantined + waiting.

    poll: since the last good one. cursor: how far it was read; `omniyard cursor show` prints all of it.
    server: messages at the provider (+ those above the cursor). in: accepted. dup: duplicates.
    quar: in quarantine. wait: not routed yet; lag: age of the oldest of them.
    Exit code 1 if the books do not balance.

    Example: omniyard status --watch
    """
    with open_desk(config, decides=False) as (settings, database):
        file = find_settings(config)
        old = _examples_changed(settings, file)
        if watch:
            _watch(settings, database, file=file, old=old)
            return
        status, spent, answers = _read(settings, database), _spent(settings, database), _answers_out_of_force(file)
        if as_json:
            counts = _counts(settings, database)
            also = {"chats": asdict(counts) if counts else None, "model_spent": bool(spent)}
            said = {"answers_out_of_force": answers, "answers_silent": why_silent(settings)}
            print_json(_plain(status) | also | said | {"examples_changed": bool(old)})
        else:
            notes = (spent, old, *_about_answers(settings, file))
            Console(highlight=False).print(_screen(status, _chats(settings, database), notes=notes))
        if not status.balanced:
            raise typer.Exit(FAILED)


def _read(settings: Settings, database: Database) -> DeskStatus:
    with database.read() as connection:
        return read_status(connection, channels=list(settings.channels))


def _spent(settings: Settings, database: Database) -> str:
    """Return a sentence if the day's budget of the model is used up; empty if not."""
    if (model := settings.answers.model) is None:
        return ""
    # Most desks have no model.
    from store.desk.generated.model_days import spent_today  # noqa: PLC0415

    with database.read() as connection:
        day = spent_today(connection)
    if not day.is_spent(per_day=model.per_day, tokens_per_day=model.tokens_per_day):
        return ""
    used = f"{day.calls} of {model.per_day} calls, {day.tokens} of {model.tokens_per_day} tokens"
    return f"The model's budget of today (UTC) is used up ({used}): it is silent, what fits is still found"


def _examples_changed(settings: Settings, file: Path) -> str:
    """Return a sentence if the model in force was chosen for other examples; empty if not."""
    chosen = ModelFolder.of(settings).in_force()
    # Reading thousands of examples takes a second, and is needed only after one of their files was written.
    if chosen is None or not touched_since(file, chosen.at):
        return ""
    learnt = settings.with_danger(load_danger_words(file))
    return EXAMPLES_CHANGED if examples_changed(learnt, file) else ""


def _answers_out_of_force(file: Path) -> list[str]:
    """Return a line for each file of an answer that is broken, with the place, or whose last day has passed."""
    return out_of_force(read_faq_folder(faq_folder(file)), today=datetime.now(UTC).date())


def _about_answers(settings: Settings, file: Path) -> list[str]:
    """Return lines: what keeps the machine from answering alone, and the files that are out of force."""
    return [*(f"answers: {line}" for line in why_silent(settings)), *_shortened(_answers_out_of_force(file))]


def _shortened(lines: Sequence[str]) -> list[str]:
    more = len(lines) - _MOST_ANSWERS
    shown = [f"answers: {line}" for line in lines[:_MOST_ANSWERS]]
    return [*shown, f"answers: {more} more; see `omniyard answers list`"] if more > 0 else shown


def _watch(settings: Settings, database: Database, *, file: Path, old: str) -> None:
    from rich.live import Live  # noqa: PLC0415  (only to watch)

    with Live(console=Console(highlight=False), screen=False, auto_refresh=False) as live:
        while True:
            try:
                notes = (_spent(settings, database), old, *_about_answers(settings, file))
                shown = _screen(_read(settings, database), _chats(settings, database), notes=notes)
                live.update(shown, refresh=True)
            except TransientError as error:
                live.update(Text(str(error), style="red"), refresh=True)
            time.sleep(_EVERY_SECONDS)


def _counts(settings: Settings, database: Database) -> ChatCounts | None:
    """Count the chats; None for a desk without one."""
    pages = {name: each for name, each in settings.channels.items() if each.enabled and each.chat_page}
    if not pages:
        return None

    def hours() -> dict[str, Calendar]:
        calendars = build_calendars(settings)
        return {name: calendars[each.calendar] for name, each in pages.items()}

    with database.read() as connection:
        return count_chats(connection, hours=hours)


def _chats(settings: Settings, database: Database) -> list[Text]:
    counts = _counts(settings, database)
    if counts is None or not (counts.waiting or counts.open):
        return []
    since = f", the longest since {counts.longest_since:%H:%M} UTC" if counts.longest_since else ""
    return [Text(f"Chats: {counts.waiting} wait for an answer{since}; agents have {counts.open}")]


def _screen(status: DeskStatus, chats: list[Text], *, notes: Sequence[str]) -> Group:
    rows = table(_COLUMNS, (_row(channel, status) for channel in status.channels), cuts="cursor")
    marked = [Text(each, style="yellow") for each in notes if each]
    return Group(rows, *_remarks(status), *chats, *marked, _books(status))


def _row(channel: ChannelStatus, status: DeskStatus) -> tuple[str, ...]:
    held = "" if channel.held is None else str(channel.held)
    return (
        channel.channel,
        age(channel.polled_at, now=status.now),
        " ".join(f"{channel.epoch} {channel.position}".split()),
        f"{held} (+{channel.waiting})" if channel.waiting else held,
        str(channel.accepted),
        str(channel.routed),
        str(channel.duplicate),
        str(channel.quarantined),
        str(channel.received),
        age(channel.oldest_due_at, now=status.now),
    )


def _remarks(status: DeskStatus) -> list[Text]:
    """Return what needs an operator's attention, worst first."""
    errors = [
        Text(f"{channel.channel}: {channel.error} ({age(channel.error_at, now=status.now)} ago)", style="red")
        for channel in status.channels
        if channel.error
    ]
    notices = [Text(f"{c.channel}: {c.notice}", style="yellow") for c in status.channels if c.notice]
    unknown = status.outbound["unknown"]
    if unknown:
        unclear = _counted(unknown, "outgoing message has", "outgoing messages have")
        errors.append(Text(f"{unclear} no clear outcome: a person must check", style="red"))
    return [*errors, *notices, *_last_day(status)]


def _last_day(status: DeskStatus) -> list[Text]:
    """Return the last day's summary: held and released messages, emergencies, outages and breached promises."""
    gate = status.gate
    lines: list[Text] = []
    if gate.held or gate.released:
        came = _counted(gate.held + gate.released, "message", "messages")
        line = f"In 24 hours {came} came while closed: {gate.held} wait for the opening, "
        lines.append(Text(line + f"the second look let {gate.released} through as emergencies"))
    called = status.emergencies
    if called.paged:
        open_ = called.paged - called.confirmed - called.released
        what = _counted(called.paged, "emergency", "emergencies")
        line = f"In 24 hours people were called for {what}: {called.confirmed} confirmed, "
        lines.append(Text(line + f"{called.released} released, {open_} not judged yet"))
    for outage in status.outages:
        when = age(outage.first_at, now=status.now)
        wrote = _counted(outage.customers, "customer", "customers")
        line = f"{wrote} wrote the same within an hour, {when} ago; see {outage.message_id}"
        lines.append(Text(line, style="yellow"))
    lines += _held_back(status)
    if status.breaches:
        broken = _counted(status.breaches, "promise was", "promises were")
        lines.append(Text(f"In 24 hours {broken} broken", style="yellow"))
    return lines


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _held_back(status: DeskStatus) -> list[Text]:
    """Return what the brake on automatic replies and the limits of listeners held back."""
    lines = []
    for brake in status.brakes:
        rests = f"rest until {brake.rests_until:%H:%M} UTC" if brake.rests_until else "are sent again"
        held = _counted(brake.held, "automatic reply was", "automatic replies were")
        line = f"{brake.channel}: {held} held in 24 hours; they {rests}"
        lines.append(Text(line, style="red" if brake.rests_until else "yellow"))
    by_channel: dict[str, list[str]] = {}
    for each in status.refusals:
        by_channel.setdefault(each.channel, []).append(f"{each.bound.replace('_', ' ')} {each.refused}")
    for channel, bounds in by_channel.items():
        lines.append(Text(f"{channel}: refused or put off in 24 hours: {', '.join(bounds)}", style="yellow"))
    return lines


def _books(status: DeskStatus) -> Text:
    waiting = status.outbound["queued"]
    tail = f"; {waiting} outgoing messages wait; {status.unpublished} events are not published yet"
    if status.balanced:
        return Text("The books balance" + tail, style="green")
    missing = sum(channel.unbalanced for channel in status.channels)
    return Text(f"THE BOOKS DO NOT BALANCE: {missing} messages in no state, {status.strays} strays{tail}", style="red")


def _plain(status: DeskStatus) -> dict[str, object]:
    channels = [asdict(channel) | {"unbalanced": channel.unbalanced} for channel in status.channels]
    lags = [status.now - channel.oldest_due_at for channel in status.channels if channel.oldest_due_at]
    return asdict(status) | {
        "channels": channels,
        "balanced": status.balanced,
        "oldest_due_seconds": max((lag.total_seconds() for lag in lags), default=0.0),
    }

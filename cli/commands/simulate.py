"""`omniyard simulate`: what another configuration would do with the stored messages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from cli.desk import open_desk
from cli.terminal import JsonOption, print_json, read_moment, table
from router.settings.files import find_settings
from workers.routing.simulate import ChangedMessage, Difference, simulate
from workers.runtime.logs import configure_logging

_NOTHING = "Nothing would change."


def simulate_command(
    *,
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration to try.")],
    since: Annotated[str, typer.Option("--since", help="Replay messages received since then (ISO 8601).")],
    current: Annotated[
        Path | None,
        typer.Option("--current", envvar="OMNIYARD_CONFIG", help="The current configuration, if not the usual one."),
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="How many messages to show of each kind of change.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Replay stored messages through the routing of another configuration; print the differences. Nothing is written.

    Each message is decided twice as of its time of receipt: with the current configuration and with the other.

    Example: omniyard simulate --config new.toml --since 2026-11-01
    """
    # Standard output holds the result alone.
    configure_logging("warning", stream=sys.stderr)
    with open_desk(current) as (settings, database):
        moment = read_moment(since, zone=settings.omniyard.timezone, option="--since")
        files = (find_settings(current), config)
        with _progress() as show:
            found = simulate(database, files=files, since=moment, most_examples=examples, on_batch=show)
    if as_json:
        print_json(_plain(found))
    else:
        _print(found)


@contextmanager
def _progress() -> Iterator[Callable[[Difference], None]]:
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("replaying") as status:
        yield lambda found: status.update(f"{found.messages} messages replayed, {found.changed} would change")


def _plain(found: Difference) -> dict[str, object]:
    transitions = [
        {"field": name, "before": before, "after": after, "messages": number}
        for (name, before, after), number in found.transitions.most_common()
    ]
    shown = {"messages": found.messages, "opened": found.opened, "changed": found.changed}
    shown |= {"shut": found.shut} if found.shut else {}
    return shown | {"changes": transitions, "examples": [asdict(example) for example in found.examples]}


def _print(found: Difference) -> None:
    console = Console(highlight=False)
    console.print(f"{found.messages} messages replayed, of which {found.opened} opened a conversation.")
    if found.shut:
        console.print(f"{found.shut} cannot be opened and were left out: see `omniyard key list`.")
    if not found.changed:
        console.print(_NOTHING)
        return
    console.print(f"{found.changed} would fare differently:\n")
    rows = [(name, before, after, str(number)) for (name, before, after), number in found.transitions.most_common()]
    console.print(table(("what", "now", "then", "messages"), rows, wraps="then"))
    for example in found.examples:
        _print_example(console, example)


def _print_example(console: Console, example: ChangedMessage) -> None:
    head = f"{example.reference}  {example.received_at:%Y-%m-%d %H:%M} UTC  {example.channel}  {example.subject}"
    console.print(Text(head, style="bold"))
    for name, (before, after) in example.changes.items():
        console.print(Text(f"    {name}: {before} -> {after}"))

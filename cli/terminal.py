"""Print tables for people and JSON for programs, and read options that several commands share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import typer
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

# In terminal cells: names, references and moments stand on one line; 80 cells have room for three such columns.
_WIDEST_UNBROKEN: Final = 24


def as_json(value: object, *, indent: int | None = None) -> str:
    """Return a JSON document, on one line unless indented; times are ISO 8601 in UTC."""
    plain = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    return json.dumps(plain, ensure_ascii=False, default=_plain, indent=indent)


def print_json(value: object) -> None:
    """Print one JSON document; see `as_json`."""
    print(as_json(value))


def table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, wraps: str = "", cuts: str = "", whole: str = ""
) -> Table:
    """Return a table of plain text, for a terminal of any width.

    wraps: the column that wraps first when the terminal is narrow; else the last.
    cuts: the column of which a narrow terminal shows one line, with an ellipsis, so that its rows stay single lines.
    whole: the column that never wraps, however wide, because people copy it.
    """
    grid, cells = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1)), [tuple(row) for row in rows]
    for place, name in enumerate(columns):
        # Of columns that must not wrap rich takes away the same number of letters each, until a short one is empty.
        wide = max((cell_len(row[place]) for row in cells), default=0) > _WIDEST_UNBROKEN
        unbroken = name == whole or (not wide and name not in {wraps or columns[-1], cuts})
        grid.add_column(Text(name), no_wrap=unbroken, overflow="fold")
    for row in cells:
        grid.add_row(*(_cell(text, is_cut=name == cuts) for name, text in zip(columns, row, strict=True)))
    return grid


def _cell(text: str, *, is_cut: bool) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis") if is_cut else Text(text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, wraps: str = "", whole: str = "") -> None:
    """Print a table of plain text; see `table`."""
    Console(highlight=False).print(table(columns, rows, wraps=wraps, whole=whole))


def age(since: datetime | None, *, now: datetime) -> str:
    """Return the age of a moment, such as `3 m`; empty for None."""
    return "" if since is None else span(now - since)


def span(length: timedelta) -> str:
    """Return a length of time in one unit, rounded down."""
    seconds = max(0, int(length.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _plain(value: Any) -> object:  # noqa: ANN401  (json hands over whatever it does not know)
    if isinstance(value, datetime):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return str(value)


ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", envvar="OMNIYARD_CONFIG", help="The configuration file, if not the usual one."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def read_moment(text: str, *, zone: ZoneInfo, option: str) -> datetime:
    """Return an ISO 8601 date or moment in UTC. zone: the zone of a text that names none.

    Raises BadParameter, which names the option.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter('expected a moment such as "2026-02-17T10:00"', param_hint=option) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)

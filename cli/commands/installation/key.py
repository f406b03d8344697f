"""`omniyard key`: the keys under which messages are sealed, and how to change them without losing a message."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from cli.audit_entry import write_down
from cli.desk import open_desk
from cli.main import FAILED
from cli.terminal import ConfigOption, JsonOption, print_json, print_table
from router.errors import ConfigError
from router.settings import Settings
from store.db.encryption import can_seal, key_name
from store.db.keys import desk_key, older_keys, rotate_key
from store.desk.audit import AuditAction
from store.inbound.reseal import ResealProgress, SealCount, count_seals, reseal

commands = typer.Typer(
    help="List the keys, make a new one, or seal everything again under the newest; no command deletes a key.\n\n"
    "Example: omniyard key list",
    no_args_is_help=True,
)
_PURPOSE: Final = "originals"
_MOST_SHOWN: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKey:
    """One key. name: tells nothing of the key itself; empty for what is not sealed.  use: what the key does."""

    name: str
    use: str
    where: str
    messages: int
    originals: int


@commands.command("list")
def list_command(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List the keys, where each is, and how many messages and originals are sealed under it. Shows no key.

    A key that opens nothing any more may be deleted; a key that is "missing" is one that messages need.

    Example: omniyard key list
    """
    with open_desk(config) as (settings, database):
        keys = _keys(settings, count_seals(database))
    if as_json:
        print_json([asdict(key) for key in keys])
        return
    rows = [(key.name or "-", key.use, str(key.messages), str(key.originals), key.where) for key in keys]
    print_table(("key", "use", "messages", "originals", "where"), rows)


@commands.command("rotate")
def rotate_command(config: ConfigOption = None) -> None:
    """Make a new key under the data folder. The key before it is kept and still opens what it sealed.

    Agents sign in again, and references and links that were sent out no longer prove themselves (answers still join by
    their Message-ID). Restart every process afterwards, then run `omniyard key reseal`.

    Example: omniyard key rotate
    """
    with open_desk(config) as (settings, database):
        kept = rotate_key(settings)
        name = key_name(desk_key(settings, purpose=_PURPOSE)).hex()
        with database.write() as connection:
            write_down(connection, AuditAction.KEY_ROTATED, about=name)
    typer.echo(f"{name} seals from now on; the key before it is kept in {kept}")
    typer.echo("restart every process, then run `omniyard key reseal`")


@commands.command("reseal")
def reseal_command(
    config: ConfigOption = None,
    as_json: JsonOption = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
) -> None:
    """Seal everything under the newest key; the desk may run meanwhile, and an ended run goes on where it stopped.

    Exit code 1 if something cannot be opened; it stays as it is.

    Example: omniyard key reseal
    """
    if not can_seal():
        raise ConfigError("nothing can be sealed, because the package cryptography cannot be loaded: install it")
    progress = ResealProgress()
    with open_desk(config) as (settings, database), _progress(quiet=quiet or as_json) as show:
        total = _total(count_seals(database))
        for progress in reseal(database):
            show(progress, total)
        name = key_name(desk_key(settings, purpose=_PURPOSE)).hex()
        with database.write() as connection:
            write_down(connection, AuditAction.KEY_RESEALED, about=name, resealed=str(progress.resealed))
    _report(progress, name=name, as_json=as_json)
    if progress.shut:
        raise typer.Exit(FAILED)


def _report(progress: ResealProgress, *, name: str, as_json: bool) -> None:
    if as_json:
        print_json({"key": name, **asdict(progress), "shut": {str(key): why for key, why in progress.shut.items()}})
        return
    typer.echo(f"{progress.seen} values, {progress.resealed} of them sealed again, all under {name} now")
    for inbound_id, why in list(progress.shut.items())[:_MOST_SHOWN]:
        typer.echo(f"{inbound_id} stays: {why}", err=True)
    if len(progress.shut) > _MOST_SHOWN:
        typer.echo(f"... and {len(progress.shut) - _MOST_SHOWN} more", err=True)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Callable[[ResealProgress, int], None]]:
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda *_: None
        return
    with console.status("counting") as status:
        yield lambda progress, total: status.update(
            f"{progress.seen} of {total} values looked at, {progress.resealed} sealed again"
        )


def _keys(settings: Settings, count: SealCount) -> list[SealingKey]:
    newest = repr(settings.omniyard.key) if settings.omniyard.key else str(Path(settings.omniyard.data) / "desk.key")
    places = {key_name(desk_key(settings, purpose=_PURPOSE)).hex(): (newest, "seals and opens")}
    for older in older_keys(settings, purpose=_PURPOSE):
        places.setdefault(key_name(older.value).hex(), (older.where, "opens"))
    for name in sorted({*count.envelopes, *count.originals} - {*places, ""}):
        places[name] = ("", "missing")
    if count.envelopes[""] or count.originals[""]:
        places[""] = ("", "not sealed")
    return [
        SealingKey(name=name, use=use, where=where, messages=count.envelopes[name], originals=count.originals[name])
        for name, (where, use) in places.items()
    ]


def _total(count: SealCount) -> int:
    return count.envelopes.total() + count.originals.total()

"""`omniyard cursor`: show how far a channel has been read, and move that position."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.desk import open_desk
from cli.terminal import ConfigOption, JsonOption, print_json, print_table
from connectors.registry import kind_of
from router.errors import NotFound, PermanentError
from router.settings import Settings
from store.desk.channel_status import read_status
from store.inbound.cursors import read_position, reposition

commands = typer.Typer(
    help="Show or move how far a channel has been read.\n\nExample: omniyard cursor show", no_args_is_help=True
)


@commands.command("show")
def show(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show every channel's cursor. For IMAP: UIDVALIDITY, and the highest stored UID.

    Example: omniyard cursor show --json
    """
    with open_desk(config) as (settings, database), database.read() as connection:
        channels = read_status(connection, channels=list(settings.channels)).channels
    keys = ("channel", "epoch", "position", "moved_at", "owner")
    rows = [{key: getattr(channel, key) for key in keys} for channel in channels]
    if as_json:
        print_json(rows)
        return
    print_table(keys, ([str(value or "") for value in row.values()] for row in rows))


@commands.command("move")
def move(
    *,
    channel: Annotated[str, typer.Argument(help="The channel's name in the configuration.")],
    position: Annotated[str, typer.Argument(help="Where to continue; for IMAP the last UID that counts as read.")],
    epoch: Annotated[str | None, typer.Option(help="The epoch of the position; the current one if not given.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would happen, and change nothing.")] = False,
    config: ConfigOption = None,
) -> None:
    """Read a channel again from an earlier position, or skip ahead. A running connector follows within a minute.

    Messages that are already stored are recognised and not stored twice. Skipped mail is not fetched.

    Example: omniyard cursor move support-mail 4711 --dry-run
    """
    with open_desk(config) as (settings, database):
        _check(settings, channel=channel, position=position)
        with database.read() as connection:
            before = read_position(connection, channel=channel)
        if before is None and epoch is None:
            raise NotFound(f"{channel} has not been read yet and has no epoch: give one with --epoch")
        target = (epoch or (before[0] if before else ""), position)
        if not dry_run:
            with database.write() as connection:
                reposition(connection, channel=channel, epoch=target[0], position=target[1])
    verb = "would move" if dry_run else "moved"
    typer.echo(f"{channel}: {verb} from {' '.join(before) if before else 'nowhere'} to {' '.join(target)}")


def _check(settings: Settings, *, channel: str, position: str) -> None:
    found = settings.channels.get(channel)
    if found is None:
        raise NotFound(f"no channel is named {channel}; there are: {', '.join(settings.channels)}")
    check = kind_of(found).position
    if check is None:
        raise PermanentError(f"{channel} is of kind {found.kind}, which has no position: its messages are pushed")
    check.load()(position)

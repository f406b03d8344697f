"""`omniyard webhooks`: list the deliveries that wait or were given up, and send them again."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from cli.desk import open_desk
from cli.terminal import ConfigOption, JsonOption, print_json
from store.events.webhook_deliveries import TargetCount, count_deliveries, list_deliveries, replay_deliveries
from store.tables.operations import DeliveryState

_MOST_ROWS = 500

commands = typer.Typer(
    help="Look after the delivery of webhooks.\n\nExample: omniyard webhooks list", no_args_is_help=True
)


@commands.command("list")
def list_command(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show each target: how many deliveries wait, how many were given up after a day, and why, newest first.

    Example: omniyard webhooks list --json
    """
    with open_desk(config) as (settings, database), database.read() as connection:
        counts = count_deliveries(connection)
        dead = list_deliveries(connection, state=DeliveryState.DEAD, limit=_MOST_ROWS)
    none = TargetCount(queued=0, dead=0, oldest_at=None)
    known = {name: counts.get(name, none) for name in sorted({*settings.webhooks, *counts})}
    if as_json:
        print_json({"targets": known, "dead": dead})
        return
    for name, count in known.items():
        gone = "" if name in settings.webhooks else "  (no longer in the configuration)"
        typer.echo(f"{name}  waiting {count.queued}  given up {count.dead}{gone}")
    for row in dead:
        typer.echo(f"{row.id}  {row.target}  {row.number}  {row.kind}  {row.error}")


@commands.command("replay")
def replay_command(
    ids: Annotated[list[UUID] | None, typer.Argument(help="The ids that `omniyard webhooks list` shows.")] = None,
    target: Annotated[str | None, typer.Option(help="If no ids are given: all deliveries of this target.")] = None,
    config: ConfigOption = None,
) -> None:
    """Try the deliveries that were given up for another day.

    Example: omniyard webhooks replay --target ticket-sync
    """
    if not ids and target is None:
        raise typer.BadParameter("say which: ids, or --target NAME")
    with open_desk(config) as (_, database), database.write() as connection:
        count = replay_deliveries(connection, target=target, ids=ids or None)
    typer.echo(f"{count} queued again")

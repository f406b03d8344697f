"""`omniyard webhooks`: what waits for the targets of webhooks, what they never took, and how to send that again."""

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
    help="Look after the tools that are told of changes.\n\nExample: omniyard webhooks list", no_args_is_help=True
)


@commands.command("list")
def list_command(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show each target: how much waits, how much it did not take for a day, and why, newest first.

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
    ids: Annotated[list[UUID] | None, typer.Argument(help="Ids that `omniyard webhooks list` shows.")] = None,
    target: Annotated[str | None, typer.Option(help="Everything of this target, if no ids are given.")] = None,
    config: ConfigOption = None,
) -> None:
    """Deliver again what was given up, for another day.

    Example: omniyard webhooks replay --target ticket-sync
    """
    if not ids and target is None:
        raise typer.BadParameter("say which: ids, or --target NAME")
    with open_desk(config) as (_, database), database.write() as connection:
        count = replay_deliveries(connection, target=target, ids=ids or None)
    typer.echo(f"{count} queued again")

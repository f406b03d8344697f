"""`omniyard outbound`: list what could not be sent, decide about it, and freeze sending around a restore."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from uuid import UUID

import typer

from api.text.reasons import line_in_english
from cli.desk import open_desk
from cli.terminal import ConfigOption, JsonOption, print_json
from store.outbound import limits, review
from store.outbound.review import TROUBLED, list_outbound
from store.tables.outbound_state import OutboundState

_MOST_ROWS = 500
# The actor in the events, where no agent is signed in.
_BY = "the command line"

commands = typer.Typer(help="Look after outgoing messages.\n\nExample: omniyard outbound list", no_args_is_help=True)

IdArgument = Annotated[UUID, typer.Argument(help="The id that `omniyard outbound list` shows.")]


@commands.command("list")
def list_command(
    state: Annotated[
        list[OutboundState] | None, typer.Option(help="Only these states; if not given, those that need a person.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List outgoing messages, newest first; without --state those that a person must look at.

    Example: omniyard outbound list --state queued
    """
    with open_desk(config) as (_, database), database.read() as connection:
        kept = list_outbound(connection, states=state or TROUBLED, limit=_MOST_ROWS)
        why = limits.frozen(connection)
    rows = [replace(row, error=line_in_english(row.error)) for row in kept]
    if as_json:
        print_json({"frozen": why, "messages": rows})
        return
    if why:
        typer.echo(f"Sending is frozen: {why}. `omniyard outbound thaw` resumes it.")
    for row in rows:
        # Lines, not a table, because the reason is a sentence.
        typer.echo(f"{row.id}  {row.channel}  {row.state}  {row.error}".rstrip())


@commands.command("send-again")
def send_again(outbound_id: IdArgument, config: ConfigOption = None) -> None:
    """Send a message again whose outcome is unclear. If it had arrived, the customer gets it twice.

    Example: omniyard outbound send-again 019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01
    """
    with open_desk(config) as (_, database), database.write() as connection:
        review.send_again(connection, outbound_id, by=_BY)
    typer.echo(f"{outbound_id}: queued")


@commands.command("mark-sent")
def mark_sent(outbound_id: IdArgument, config: ConfigOption = None) -> None:
    """Record that a message arrived, after you have asked the provider or the customer.

    Example: omniyard outbound mark-sent 019ab3c4-7d20-7c3e-9f3b-2a6d1c5e8f01
    """
    with open_desk(config) as (_, database), database.write() as connection:
        review.mark_sent(connection, outbound_id, by=_BY)
    typer.echo(f"{outbound_id}: sent")


@commands.command("freeze")
def freeze(
    why: Annotated[str, typer.Argument(help="The reason that is shown while sending is frozen.")],
    config: ConfigOption = None,
) -> None:
    """Stop all sending until `thaw`. Do this before the desk starts on a restored database.

    A restored database does not know what was sent after its backup was made, and would send it again.

    Example: omniyard outbound freeze "restored from the backup of 03:00"
    """
    with open_desk(config) as (_, database), database.write() as connection:
        limits.freeze(connection, why=why)
    typer.echo("Nothing is sent until `omniyard outbound thaw`")


@commands.command("thaw")
def thaw(config: ConfigOption = None) -> None:
    """Resume sending. Messages of the last 24 hours are first looked up at their providers.

    Short messages that are not found there go to a person; mail is sent again under the same Message-ID.

    Example: omniyard outbound thaw
    """
    with open_desk(config) as (_, database), database.write() as connection:
        found = limits.thaw(connection)
    typer.echo(f"Messages are sent again; {found} of the last 24 hours are looked up first")

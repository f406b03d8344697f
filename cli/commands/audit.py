"""`omniyard audit`: verify the audit trail, and list it."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.desk import open_desk
from cli.main import FAILED
from cli.terminal import ConfigOption, JsonOption, print_json
from store.db.keys import desk_key
from store.desk.audit import AUDIT_QUERIES, check_chain, hash_query, list_audit

commands = typer.Typer(help="Check the audit trail, or show it.\n\nExample: omniyard audit check", no_args_is_help=True)


@commands.command("check")
def check_command(
    head: Annotated[
        str, typer.Option(help="NUMBER:HASH of an earlier check, kept elsewhere: proves that no last rows are missing.")
    ] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute the whole hash chain again and name the first row that was changed. Exit code 1 if there is one.

    Example: omniyard audit check --head 4711:9f86d081884c7d65...
    """
    with open_desk(config) as (_, database), database.read() as connection:
        verdict = check_chain(connection)
        number, _, expected = head.partition(":")
        known = list_audit(connection, before=int(number) + 1, limit=1) if number.isdigit() else []
    lost = bool(head) and not (known and f"{known[0].number}:{known[0].hash.hex()}" == f"{number}:{expected}")
    if as_json:
        print_json({"rows": verdict.rows, "broken": verdict.broken, "why": verdict.why, "head": _head(verdict.head)})
    elif verdict.broken is not None:
        typer.echo(f"Broken at row {verdict.broken}: {verdict.why}. The {verdict.rows} rows before it are unchanged.")
    else:
        typer.echo(f"{verdict.rows} rows, all unchanged. Head: {_head(verdict.head)}")
    if lost:
        typer.echo("The row that --head names is not in the trail: rows were removed or sealed again.", err=True)
    if lost or verdict.broken is not None:
        raise typer.Exit(FAILED)


@commands.command("list")
def list_command(
    *,
    actor: Annotated[str | None, typer.Option(help="Only the actions of this person.")] = None,
    about: Annotated[str | None, typer.Option(help="Only rows about this id or reference.")] = None,
    query: Annotated[
        str | None, typer.Option(help="Only lists and searches that asked for exactly this, as in an address.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the newest rows.

    Example: omniyard audit list --actor "Li Na" --query "q=4711"
    """
    with open_desk(config) as (settings, database), database.read() as connection:
        asked = hash_query(desk_key(settings, purpose=AUDIT_QUERIES), query) if query else None
        rows = list_audit(connection, actor=actor, about=about, query=asked, limit=limit)
    if as_json:
        print_json(rows)
        return
    for row in rows:
        where = row.detail.get("route", "")
        typer.echo(
            f"{row.number}  {row.at:%Y-%m-%d %H:%M:%S}  {row.actor}  {row.action}  {row.object}  {where}".rstrip()
        )


def _head(head: tuple[int, str]) -> str:
    return f"{head[0]}:{head[1]}"

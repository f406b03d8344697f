"""`omniyard agent`: who may use the desk."""

from __future__ import annotations

from typing import Annotated

import typer

from api.permissions import Role
from cli.desk import open_desk
from cli.options import ConfigOption, JsonOption
from cli.printing import print_json, print_table
from store.agents import add_agent, list_agents, revoke_agent

commands = typer.Typer(
    help="Add, list or revoke the people who may use the desk.\n\nExample: omniyard agent add 'Li Na'",
    no_args_is_help=True,
)


@commands.command("add")
def add(
    name: Annotated[str, typer.Argument(help="How colleagues will see them; kept for good.")],
    *,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.AGENT,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add somebody and show their token, this once.

    Example: omniyard agent add "Li Na" --role admin
    """
    with open_desk(config) as (_, database), database.write() as connection:
        agent, token = add_agent(connection, name=name, role=role.value)
    if as_json:
        print_json({"name": agent.name, "role": agent.role, "token": token})
        return
    print(token)
    typer.echo(f"The token of {agent.name} ({agent.role}). It is shown this once; only its hash is kept.", err=True)


@commands.command("list")
def list_all(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List everybody, also the revoked.

    Example: omniyard agent list
    """
    with open_desk(config) as (_, database), database.read() as connection:
        agents = list_agents(connection)
    if as_json:
        print_json(
            [
                {key: getattr(agent, key) for key in ("id", "name", "role", "created_at", "last_used_at", "revoked_at")}
                for agent in agents
            ]
        )
        return
    rows = [(a.name, a.role, _day(a.created_at), _day(a.last_used_at), _day(a.revoked_at)) for a in agents]
    print_table(("name", "role", "added", "last seen", "revoked"), rows)


@commands.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="As `agent list` shows it.")], config: ConfigOption = None) -> None:
    """End somebody's token and sessions at once.

    Example: omniyard agent revoke "Li Na"
    """
    with open_desk(config) as (_, database), database.write() as connection:
        agent = revoke_agent(connection, name=name)
    typer.echo(f"{agent.name} can no longer use the desk")


def _day(moment: object) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"

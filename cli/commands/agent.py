"""`omniyard agent`: who may use the desk."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer

from api.http.permissions import Role, Verb
from cli.audit_entry import write_down
from cli.desk import open_desk
from cli.terminal import ConfigOption, JsonOption, print_json, print_table
from router.errors import NotFound
from store.desk.agents import ROTATION, AgentRecord, add_agent, change_role, list_agents, revoke_agent, rotate_token
from store.desk.assignment import Duty, duties, set_duty
from store.desk.audit import AuditAction
from store.tables.agents import SkillKind

commands = typer.Typer(
    help="Add, list or revoke the people who may use the desk.\n\nExample: omniyard agent add 'Li Na'",
    no_args_is_help=True,
)


@commands.command("add")
def add(
    name: Annotated[str, typer.Argument(help="The name that colleagues see; it cannot be changed.")],
    *,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.AGENT,
    scope: Annotated[list[Verb] | None, typer.Option(help="The only things this token may do; repeatable.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=366, help="Days until the token expires.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add an agent and show the token, only this once.

    Example: omniyard agent add "Li Na" --role admin
    """
    with open_desk(config) as (_, database), database.write() as connection:
        scopes = [verb.value for verb in scope] if scope else None
        agent, token = add_agent(connection, name=name, role=role.value, scopes=scopes, lasts=_lasts(days))
        write_down(connection, AuditAction.AGENT_ADDED, about=name, role=role.value, scopes=" ".join(scopes or ()))
    _show_token(agent, token, as_json=as_json)


@commands.command("rotate")
def rotate(
    name: Annotated[str, typer.Argument(help="As `agent list` shows it.")],
    *,
    days: Annotated[int | None, typer.Option(min=1, max=366, help="Days until the new token expires.")] = None,
    at_once: Annotated[bool, typer.Option("--at-once", help="End the old token now, not in a week.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an agent a new token; the old one stays valid for another week, so that programs can be changed.

    Example: omniyard agent rotate "ticket sync" --days 90
    """
    overlap = timedelta() if at_once else ROTATION
    with open_desk(config) as (_, database), database.write() as connection:
        agent, token = rotate_token(connection, name=name, overlap=overlap, lasts=_lasts(days))
        write_down(connection, AuditAction.AGENT_TOKEN_ROTATED, about=name)
    _show_token(agent, token, as_json=as_json)


def _lasts(days: int | None) -> timedelta | None:
    return timedelta(days=days) if days else None


def _show_token(agent: AgentRecord, token: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"name": agent.name, "role": agent.role, "expires_at": agent.expires_at, "token": token})
        return
    print(token)
    until = f", valid until {_day(agent.expires_at)}" if agent.expires_at else ""
    typer.echo(
        f"The token of {agent.name} ({agent.role}){until}. It is shown only now; only its hash is stored.", err=True
    )


@commands.command("list")
def list_all(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """List all agents, including revoked ones.

    Example: omniyard agent list
    """
    with open_desk(config) as (_, database), database.read() as connection:
        agents, known = list_agents(connection), duties(connection)
    if as_json:
        keys = ("id", "name", "role", "created_at", "last_used_at", "revoked_at")
        plain = {name: asdict(duty) for name, duty in known.items()}
        print_json([{key: getattr(agent, key) for key in keys} | plain.get(agent.name, {}) for agent in agents])
        return
    rows = [
        (
            *(a.name, a.role, _day(a.created_at), _day(a.last_used_at), _day(a.revoked_at)),
            _in_words(known[a.name]) if a.name in known else "",
        )
        for a in agents
    ]
    print_table(("name", "role", "added", "last seen", "revoked", "duty"), rows)


@commands.command("set")
def set_all(  # noqa: PLR0913  (one a thing that may be set)
    name: Annotated[str, typer.Argument(help="As `agent list` shows it.")],
    *,
    role: Annotated[
        Role | None, typer.Option(help="What they may do from now on; another role ends their sessions.")
    ] = None,
    available: Annotated[bool | None, typer.Option("--available/--away", help="Whether they take work now.")] = None,
    capacity: Annotated[
        int | None, typer.Option(min=0, help="Open work at most: low 1, normal 2, high 3, urgent 4; 0 for none.")
    ] = None,
    chats: Annotated[
        int | None, typer.Option(min=-1, max=100, help="Chats at once; -1 for what the chat's channel says.")
    ] = None,
    team: Annotated[list[str] | None, typer.Option(help="Team they belong to; repeatable.")] = None,
    language: Annotated[list[str] | None, typer.Option(help='Language they speak ("any" for all); repeatable.')] = None,
    category: Annotated[list[str] | None, typer.Option(help='Category they take ("any" for all); repeatable.')] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Set which work an agent is assigned. Options that are not given leave their value unchanged.

    Example: omniyard agent set "Li Na" --available --team front-line --language zh --language en --capacity 30
    """
    given = {SkillKind.TEAM: team, SkillKind.LANGUAGE: language, SkillKind.CATEGORY: category}
    skills = {kind: [] if values == ["any"] else values for kind, values in given.items() if values}
    with open_desk(config) as (settings, database), database.write() as connection:
        _known(team or (), settings.teams, noun="team")
        _known(skills.get(SkillKind.CATEGORY, ()), settings.categories, noun="category")
        if role:
            change_role(connection, name=name, role=role)
        duty = set_duty(connection, name=name, available=available, capacity=capacity, chat_slots=chats, skills=skills)
        write_down(
            connection, AuditAction.AGENT_SET, about=name, duty=_in_words(duty), **({"role": str(role)} if role else {})
        )
    if as_json:
        print_json(asdict(duty))
    else:
        typer.echo(f"{duty.name}: {_in_words(duty)}")


@commands.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="As shown by `agent list`.")], config: ConfigOption = None) -> None:
    """End an agent's token and sessions at once.

    Example: omniyard agent revoke "Li Na"
    """
    with open_desk(config) as (_, database), database.write() as connection:
        agent = revoke_agent(connection, name=name)
        write_down(connection, AuditAction.AGENT_REVOKED, about=name)
    typer.echo(f"{agent.name} can no longer use the desk")


def _known(names: Iterable[str], known: Collection[str], *, noun: str) -> None:
    # A desk that configures no teams accepts any name; see `check`.
    for name in names:
        if known and name not in known:
            raise NotFound(f"no {noun} is named {name}; there are: {', '.join(known)}")


def _in_words(duty: Duty) -> str:
    skills = [f"{kind.value} {', '.join(values)}" for kind, values in duty.skills.items() if values]
    chats = [] if duty.chat_slots is None else [f"{duty.chat_slots} chats at once"]
    return "; ".join(["available" if duty.available else "away", f"capacity {duty.capacity}", *chats, *skills])


def _day(moment: object) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M}"

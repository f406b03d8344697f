"""`omniyard doctor`: log in everywhere, test everything, and report problems with their solution."""

from __future__ import annotations

import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import Annotated, Any, Final

import redis
import sqlalchemy as sa
import typer
from redis.backoff import NoBackoff
from redis.retry import Retry
from rich.console import Console
from rich.text import Text

from cli.commands.check.model_probe import examine_answer_model
from cli.commands.check.surroundings import sealing_concerns
from cli.main import FAILED
from cli.processes.ports import check_free, listeners
from cli.terminal import ConfigOption, JsonOption, print_json
from connectors.base import Health
from connectors.registry import MAIL, open_senders, probe_channel
from connectors.safe_http import examine
from router.errors import OmniyardError
from router.settings import Settings
from router.settings.files import find_settings, load_settings
from router.settings.model import WebhookSettings
from router.settings.oidc import OidcSettings
from router.webhook_signature import read_keys
from store.db.dialects.database_errors import NO_POOLER
from store.db.encryption import can_seal
from store.db.engine import Database, read_clock
from store.db.keys import desk_key
from store.db.open import current_version, is_usable, latest_version, open_database
from store.db.private_files import close_files, find_open_files
from store.desk.agents import list_agents
from store.desk.view_counts import waiting_in_teams
from workers.answering.silence import channels_that_answer, why_silent
from workers.broker.connect import connect_broker, silent_sentinels
from workers.broker.doorbell import broker_url
from workers.training.lessons import EXAMPLES_CHANGED, examples_changed
from workers.training.model_store import ModelFolder

_LEAST_FREE_BYTES: Final = 1_000_000_000
# Leases use the database's clock, due times are shown by ours: a larger difference is visible.
_MOST_OFFSET: Final = timedelta(seconds=2)
_SLOW_FLUSH_MILLISECONDS: Final = 50
_PATIENCE_SECONDS: Final = 5.0
_MOST_SHOWN: Final = 3


def examine_data(settings: Settings) -> Health:
    """Test whether the data folder is writable, by its owner alone, its free space, and the time of a flush."""
    folder = Path(settings.omniyard.data).resolve()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not there.is_dir():
        return Health(
            ok=False, findings=(f"{there} is a file: the data folder cannot be made; change [omniyard] data",)
        )
    if not os.access(there, os.W_OK):
        return Health(ok=False, findings=(f"{there} cannot be written to: give it to the user who runs Omniyard",))
    free, flush = shutil.disk_usage(there).free, _flush_milliseconds(there)
    findings = [f"{folder}: {free / 1e9:.1f} GB free, a flush takes {flush:.1f} ms"]
    if flush > _SLOW_FLUSH_MILLISECONDS:
        findings.append("the disk flushes slowly; with SQLite that bounds how fast mail is taken")
    if free < _LEAST_FREE_BYTES:
        findings.append("less than 1 GB free: when it is full no mail is taken; it waits at the provider")
    findings += (opened := _open_to_others(folder))
    return Health(ok=free >= _LEAST_FREE_BYTES and not opened, findings=tuple(findings))


def examine_database(settings: Settings) -> Health:
    """Test whether the database answers, has this version's tables, flushes each commit, and has our time."""
    embedded = Path(settings.omniyard.data) / "omniyard.db"
    if settings.omniyard.database is None and not embedded.exists():
        return Health(ok=True, findings=("there is none yet; `omniyard up` makes it",))
    database = open_database(settings)
    try:
        where = database.shown
        found, needed = current_version(database), latest_version()
        usable = is_usable(database, found)
        with database.read() as connection:
            offset = read_clock(connection) - datetime.now(UTC)
            unsafe = [] if database.is_sqlite else [*_unsafe(connection), *_unsynchronised(connection, database)]
    finally:
        database.close()
    wrong = [
        *([f"at version {found or 'none'}, not {needed}: run `omniyard migrate`"] if not usable else []),
        *unsafe,
        *([f"its clock is {offset.total_seconds():+.1f} s off ours: run NTP on both"] if _apart(offset) else []),
    ]
    return Health(ok=not wrong, findings=(f"{where} answers", *wrong))


def examine_teams(settings: Settings) -> Health:
    """Test whether cases wait in a team that the file lacks, and whether `escalate_to` names teams and agents."""
    database = open_database(settings)
    try:
        if not is_usable(database, current_version(database)):
            return Health(ok=True, findings=("the database has another version; `omniyard migrate` comes first",))
        with database.read() as connection:
            waiting = waiting_in_teams(connection)
            agents = {agent.name for agent in list_agents(connection) if agent.revoked_at is None}
    finally:
        database.close()
    left = [
        f"{number} cases wait in {team!r}, which is not in the file: open /?view=open&team={team} "
        "on the desk and move them, or put the team back"
        for team, number in waiting.items()
        if team not in settings.teams
    ]
    left += [
        f"[emergency] escalate_to names {name!r}, which is no agent and no team, so an alarm skips it: "
        "correct the name, or `omniyard agent add` it"
        for name in settings.emergency.escalate_to
        if name not in agents and name not in settings.teams
    ]
    return Health(ok=not left, findings=tuple(left) or ("each case that waits is in a team of the file",))


def examine_sealing(settings: Settings) -> Health:
    """Test whether originals are sealed, and with which key. Creates no key."""
    concerns = tuple(message for _, message in sealing_concerns(settings.omniyard))
    if settings.omniyard.key is not None:
        desk_key(settings, purpose="originals")
        where = "under [omniyard] key"
    else:
        where = f"under {Path(settings.omniyard.data) / 'desk.key'}; back that file up apart from the database"
    return Health(ok=can_seal(), findings=(*([f"originals are sealed {where}"] if can_seal() else []), *concerns))


def examine_webhook(webhook: WebhookSettings) -> Health:
    """Test whether events could be signed and sent: the secret, the name, and the address. Sends nothing."""
    read_keys(webhook.secret.reveal())
    address = examine(webhook.url, allow_private=webhook.allow_private)
    return Health(ok=True, findings=(f"events would go to {address}; whether they are taken only an event shows",))


def examine_provider(oidc: OidcSettings) -> Health:
    """Test whether agents could sign in at the provider: its discovery document, its keys, and our secret."""
    from connectors.oidc.identity_provider import OidcProvider  # noqa: PLC0415  (only a desk with a provider needs it)

    return OidcProvider(oidc).probe()


def examine_broker(settings: Settings) -> Health:
    """Test whether the broker answers, and refuses instead of evicting when it is full."""
    url = broker_url(settings)
    if url is None:
        return Health(ok=True, findings=("the embedded broker has never run here; `omniyard up` starts it",))
    try:
        silent = silent_sentinels(url, seconds=_PATIENCE_SECONDS)
        with connect_broker(url, seconds=_PATIENCE_SECONDS, retry=Retry(NoBackoff(), 0)) as it:
            server: Mapping[str, Any] = it.info("server")
            policy = str(it.info("memory").get("maxmemory_policy", "noeviction"))
    except (redis.RedisError, ValueError) as error:
        return _broker_away(settings, type(error).__name__)
    if silent:
        mend = (
            f"{', '.join(silent)} does not answer as a Sentinel of this master: start it, or correct [omniyard] broker"
        )
        return Health(ok=False, findings=(f"version {_version(server)} answers", mend))
    version = _version(server)
    if policy != "noeviction":
        mend = f'it evicts keys when full ({policy}): set "maxmemory-policy noeviction"'
        return Health(ok=False, findings=(f"version {version} answers", mend))
    return Health(ok=True, findings=(f"version {version} answers",))


def _version(server: Mapping[str, Any]) -> str:
    return str(server.get("valkey_version") or server.get("redis_version"))


def examine_model(settings: Settings, config: Path) -> Health:
    """Test whether the model in force was chosen for the examples as they are now. Loads no model."""
    changed = examples_changed(settings, config)
    return Health(ok=True, findings=(EXAMPLES_CHANGED if changed else "it was chosen for the examples as they are",))


def examine_desk(settings: Settings) -> Health:
    """Test whether the desk answers, or could start."""
    desk = listeners(settings)[0]
    try:
        with urllib.request.urlopen(f"http://{desk}/readyz", timeout=_PATIENCE_SECONDS) as answer:
            return Health(ok=True, findings=(f"http://{desk} answers ({answer.status})",))
    except urllib.error.HTTPError as error:
        return Health(ok=False, findings=(f"http://{desk} is not ready ({error.code}): its log says why",))
    except OSError:
        check_free(desk)
        return Health(ok=True, findings=(f"{desk} is free; `omniyard up` starts the desk there",))


def _open_to_others(data: Path) -> list[str]:
    found = find_open_files(data)
    if not found:
        return []
    shown = ", ".join(str(path) for path in found[:_MOST_SHOWN]) + (", ..." if len(found) > _MOST_SHOWN else "")
    mend = "`omniyard doctor --mend`, run as their owner, takes these permissions away"
    return [f"other users of this machine may use {shown}: {mend}"]


def _flush_milliseconds(folder: Path) -> float:
    with TemporaryFile(dir=folder) as file:
        file.write(b"omniyard")
        file.flush()
        before = time.perf_counter()
        os.fsync(file.fileno())
        return (time.perf_counter() - before) * 1000


def _unsafe(connection: sa.Connection) -> list[str]:
    """Return the settings of a PostgreSQL server that may lose a confirmed commit."""
    names = ("fsync", "full_page_writes", "synchronous_commit")
    values = {name: connection.execute(sa.text(f"SHOW {name}")).scalar_one() for name in names}
    off = [f"{name} is off, so a crash can lose mail: turn it on" for name in names if values[name] == "off"]
    # Every session of ours asks for a time limit when it starts.
    unbounded = connection.execute(sa.text("SHOW statement_timeout")).scalar_one() == "0"
    pooled = f"a pooler such as PgBouncer stands before it and ignores what our sessions ask for: {NO_POOLER}"
    return [*off, *([pooled] if unbounded else [])]


def _unsynchronised(connection: sa.Connection, database: Database) -> list[str]:
    """Return what a failover to another server of the address may lose."""
    confirmed = connection.execute(sa.text("SHOW synchronous_standby_names")).scalar_one()
    if confirmed or not database.has_standbys:
        return []
    return [
        (
            "no standby confirms a commit, so a failover can lose mail that was acknowledged: set "
            "synchronous_standby_names on each server, such as 'ANY 1 (a, b)'"
        )
    ]


def _apart(offset: timedelta) -> bool:
    return abs(offset) > _MOST_OFFSET


def _broker_away(settings: Settings, why: str) -> Health:
    if settings.omniyard.broker is None:
        return Health(ok=True, findings=("the embedded broker does not run now; `omniyard up` starts it",))
    mend = "check [omniyard] broker and that server; until then the sweep finds the work, some seconds later"
    return Health(ok=False, findings=(f"does not answer ({why}): {mend}",))


# Channels are tested in parallel; each has its own timeouts.
_AT_ONCE: Final = 8


def doctor_command(
    config: ConfigOption = None,
    as_json: JsonOption = False,
    mend: Annotated[
        bool, typer.Option("--mend", help="First take other users' permissions on the data folder and its files away.")
    ] = False,
) -> None:
    """Test every part: configuration, disk, database, clock, sealing, broker, model, and a log-in to each channel.

    Changes nothing without --mend, and nothing on any server. Exit code 1 if there is a problem; every finding says
    how to solve it.

    Example: omniyard doctor
    """
    settings, file = load_settings(config), find_settings(config)
    if mend:
        close_files(find_open_files(Path(settings.omniyard.data)))
    examinations = _examinations(settings, file=file)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        results = list(threads.map(_examined, examinations.values()))
    found = dict(zip(examinations, results, strict=True))
    if as_json:
        print_json([{"part": part, "ok": health.ok, "findings": health.findings} for part, health in found.items()])
    else:
        _show(found)
    if not all(health.ok for health in found.values()):
        raise typer.Exit(FAILED)


def _examinations(settings: Settings, *, file: Path) -> dict[str, Callable[[], Health]]:
    parts: dict[str, Callable[[], Health]] = {
        "data folder": partial(examine_data, settings),
        "database": partial(examine_database, settings),
        "sealing": partial(examine_sealing, settings),
        "broker": partial(examine_broker, settings),
        "desk": partial(examine_desk, settings),
    }
    if settings.omniyard.database is not None or (Path(settings.omniyard.data) / "omniyard.db").exists():
        parts["teams"] = partial(examine_teams, settings)
    # A new desk has none.
    if ModelFolder.of(settings).in_force():
        parts["model"] = partial(examine_model, settings, file)
    if channels_that_answer(settings):
        parts["answers"] = partial(examine_answers, settings)
    if settings.answers.model:
        parts["model that writes"] = partial(examine_answer_model, settings.answers.model)
    if settings.desk.oidc:
        parts["sign-in provider"] = partial(examine_provider, settings.desk.oidc)
    channels = ((name, channel) for name, channel in settings.channels.items() if channel.enabled)
    for name, channel in channels:
        parts[f"channel {name}"] = partial(probe_channel, name, channel, desk=settings.omniyard)
    for name, webhook in settings.webhooks.items():
        if webhook.enabled:
            parts[f"webhook {name}"] = partial(examine_webhook, webhook)
    # Mail is sent by another server than it is received from; in other kinds one provider does both.
    return parts | {f"replies of {name}": sender.probe for name, sender in open_senders(settings).get(MAIL, {}).items()}


def examine_answers(settings: Settings) -> Health:
    """Test whether the machine can answer alone where the file says so."""
    why = why_silent(settings)
    return Health(ok=not why, findings=tuple(why) or ("the thresholds are trained",))


def _examined(examine: Callable[[], Health]) -> Health:
    try:
        return examine()
    except OmniyardError as error:
        return Health(ok=False, findings=(str(error),))


def _show(found: dict[str, Health]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for part, health in found.items():
        mark, style = ("ok", "green") if health.ok else ("WRONG", "bold red")
        console.print(Text.assemble((f"{mark:>5}  ", style), (part, "bold")))
        for finding in health.findings:
            console.print(Text(f"       {finding}"))

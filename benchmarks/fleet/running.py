"""Start a whole fleet, and stop it again whatever happens."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import psycopg

from benchmarks.chaos.chats import PUBLIC_URL, Chats
from benchmarks.fleet.brokers import Brokers
from benchmarks.fleet.databases import Databases
from benchmarks.fleet.desk import SMTP_PORT, WEB_PORT, FleetDesk
from benchmarks.fleet.events import Fleet
from benchmarks.fleet.network import Network, running_network
from benchmarks.fleet.plan import BROKERS, CONNECTORS, DATABASES, HOSTS, WATCH, WEBS
from benchmarks.fleet.proxy import Proxy
from benchmarks.rig import CHANNEL, add_two_agents, keep_logs, start_from_the_first_mail, wait_until
from store.db.engine import Database
from store.db.migrate import upgrade
from tests.servers import mailservers
from tests.servers.ports import free_port

_READY_SECONDS: Final = 600
_SMTP_CHANNEL: Final = "desk-mail"
_PATHS: Final = {"imap": CHANNEL, "smtp": _SMTP_CHANNEL, "sms": "sms", "x": "x", "telegram": "telegram"}

_ROUTED: Final = "'conversation.opened', 'message.received', 'message.duplicate'"


class Readable(Protocol):
    """What answers a query in SQL."""

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What the fleet has done so far, by the database."""

    databases: Readable

    def is_drained(self, rows: int) -> bool:
        """Return whether so many messages were accepted, and each of them is decided."""
        query = "SELECT count(*), count(*) FILTER (WHERE state = 'received') FROM inbound"
        accepted, undecided = self.databases.rows(query)[0]
        return bool(accepted >= rows and undecided == 0)

    def is_working(self, since: float) -> bool:
        """Return whether every path has accepted a message since then, and one of those was routed."""
        # The provider's listings of X and Telegram are behind their polls' back-off; three paths are enough here.
        query = (
            f"SELECT channel, bool_or(state <> 'received') FROM inbound WHERE accepted_at > to_timestamp({since}) "
            "GROUP BY channel"
        )
        try:
            found = dict(self.databases.rows(query))
        except psycopg.OperationalError:
            return False
        return {CHANNEL, _SMTP_CHANNEL, "sms"} <= found.keys() and any(found.values())

    def paths(self) -> dict[str, list[float]]:
        """Return when each path did work, in seconds, sorted."""
        accepted = "SELECT extract(epoch FROM accepted_at)::float FROM inbound WHERE channel = '{}' ORDER BY 1"
        times = {name: self._times(accepted.format(channel)) for name, channel in _PATHS.items()}
        routed = f"SELECT extract(epoch FROM at)::float FROM event WHERE kind IN ({_ROUTED}) ORDER BY 1"
        return {**times, "routing": self._times(routed)}

    def waits(self) -> list[tuple[float, float]]:
        """Return of each message when it was accepted, and how many seconds until it was in a conversation."""
        query = (
            "SELECT extract(epoch FROM i.accepted_at)::float, extract(epoch FROM min(e.at) - i.accepted_at)::float "
            f"FROM inbound i JOIN event e ON e.kind IN ({_ROUTED}) AND e.payload ->> 'inbound_id' = i.id::text "
            "GROUP BY i.id"
        )
        return [(float(at), float(wait)) for at, wait in self.databases.rows(query)]

    def _times(self, query: str) -> list[float]:
        return [float(row[0]) for row in self.databases.rows(query)]


@contextlib.contextmanager
def running_fleet(chats: Chats, *, synchronous: bool = True) -> Iterator[tuple[Fleet, Progress]]:
    """Build a fleet whose processes all run; everything ends with the block.

    synchronous: two standbys, one of which each commit waits for; else a single one that follows.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="omniyard-fleet-")))
        # Apart, because the servers run as another user; before the network, so that they have ended when it goes.
        data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="omniyard-fleet-pg-")))
        stack.callback(keep_logs, folder)
        mail = mailservers.start(folder)
        stack.callback(mail.stop)
        outward = [mail.port, *_ports(chats.config)]
        network = stack.enter_context(running_network(HOSTS, outward=outward, inward=[WEB_PORT, SMTP_PORT]))
        names = DATABASES if synchronous else DATABASES[:2]
        databases = Databases([network.hosts[name] for name in names], folder=data, synchronous=synchronous)
        databases.start_all()
        brokers = Brokers([network.hosts[name] for name in BROKERS], network.hosts[WATCH], folder=folder)
        brokers.start_all()
        database = Database(databases.url)
        stack.callback(database.close)
        upgrade(database)
        add_two_agents(database)
        web, smtp = _proxies(network)
        for proxy in (web, smtp):
            proxy.start()
            stack.callback(proxy.stop)
        desk = FleetDesk(
            folder=folder,
            hosts=network.hosts,
            mail=mail,
            database=database,
            broker_url=brokers.url,
            web_port=web.port,
            smtp_port=smtp.port,
            channels=chats.config,
            secrets=chats.secrets,
        )
        desk.write_config(public_url=PUBLIC_URL)
        start_from_the_first_mail(desk)
        progress = Progress(databases=databases)
        desk.start_all()
        wait_until(lambda: web.ready == len(WEBS) and smtp.ready > 0, seconds=_READY_SECONDS, every=0.5)
        yield (
            Fleet(
                network=network,
                databases=databases,
                brokers=brokers,
                desk=desk,
                webs_ready=lambda: web.ready,
                is_working=progress.is_working,
                folder=folder,
            ),
            progress,
        )


def wait_until_working(progress: Progress) -> None:
    """Return once every path works."""
    since = time.time()
    wait_until(lambda: progress.is_working(since), seconds=_READY_SECONDS, every=0.5)


def _proxies(network: Network) -> tuple[Proxy, Proxy]:
    webs = [(network.hosts[name].ip, WEB_PORT) for name in WEBS]
    gates = [(network.hosts[name].ip, SMTP_PORT) for name in CONNECTORS]
    return Proxy(free_port(), webs, ready="/readyz"), Proxy(free_port(), gates)


def _ports(config: str) -> list[int]:
    """Return the ports of the providers that a configuration names."""
    bases = [line.partition('"')[2].rstrip('"') for line in config.splitlines() if line.startswith("api_base")]
    return [port for base in bases if (port := urlsplit(base).port)]

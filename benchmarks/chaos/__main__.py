"""Kill every process at random while mail keeps arriving; then count lost and duplicated messages.

    python -m benchmarks.chaos --messages 2000 --kills 60 --database sqlite|postgresql --seed 1 --json

Processes that die: connectors, workers (with their sweep), the web process, the broker (killed, emptied, stalled or
absent for a while) and PostgreSQL. Half of the mail comes by IMAP, half by SMTP from a client that, like a mail server,
tries until it gets 250. In parallel --chats customers write by SMS, X and Telegram: polls are replayed and shuffled,
webhooks come twice. --gates customers write by the operator's own channel, by WeCom and in public on X (`benchmarks.chaos.gates`).
--messengers customers write by WhatsApp, LINE and WeChat or call a hotline (`benchmarks.chaos.messengers`).
Twenty visitors of the site's chat write --lines lines; each is sent until it is acknowledged, some twice.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import signal
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from benchmarks.chaos.chats import PUBLIC_URL, Chats
from benchmarks.chaos.customers import Customers
from benchmarks.chaos.gates import Gates
from benchmarks.chaos.killer import Killer
from benchmarks.chaos.ledger import Ledger, read_ledger
from benchmarks.chaos.messengers import Messengers
from benchmarks.chaos.visitors import Visitors
from benchmarks.mailbox import make_mailbox
from benchmarks.rig import USER, Launch, Rig, is_drained, running_rig, start_python, submit, wait_until

# A claim's lease, a sweep, a retry after a failed page, and the start of processes on a busy machine.
_DRAIN_SECONDS: Final = 600
# The same for any number of messages, so that every kind of death finds messages in progress.
_ARRIVAL_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How many messages are written by each way; see the command's arguments."""

    messages: int
    chats: int = 0
    gates: int = 0
    messengers: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How soon things happen in a run. arrival: seconds over which messages arrive.  takeover, launch: see `Rig`."""

    arrival: float = _ARRIVAL_SECONDS
    takeover: str = "15s"
    launch: Launch = start_python


def main() -> None:
    """Run, print the figures, and exit with 1 unless all of them are 0."""
    arguments = _arguments()
    # So that `kill` ends it as Ctrl-C does, with everything stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    amounts = Amounts(**{each.name: getattr(arguments, each.name) for each in fields(Amounts)})
    ledger = run(amounts, kills=arguments.kills, database=arguments.database, seed=arguments.seed)
    figures = {"seed": arguments.seed, "database": arguments.database, **ledger.figures()}
    if arguments.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:28} {value}")
    sys.exit(0 if ledger.is_clean else 1)


def run(amounts: Amounts, *, kills: int, database: str, seed: int, pace: Pace = Pace()) -> Ledger:
    """Return the ledger of one run."""
    chance = random.Random(seed)
    mailbox = make_mailbox(messages=amounts.messages, seed=seed, file_bytes=2_000)
    with contextlib.ExitStack() as stack:
        customers: list[Customers] = [
            Visitors(lines=amounts.lines, chance=chance),
            Chats(messages=amounts.chats, chance=chance),
            Gates(messages=amounts.gates, chance=chance),
            Messengers(messages=amounts.messengers, chance=chance),
        ]
        for some in customers:
            stack.callback(some.close)
        channels = "".join(some.config for some in customers)
        secrets = {name: value for some in customers for name, value in some.secrets.items()}
        rig = stack.enter_context(
            running_rig(
                database, page=50, takeover=pace.takeover, public_url=PUBLIC_URL, channels=channels, secrets=secrets
            )
        )
        rig.launch = pace.launch
        rig.start_from_the_first_mail()
        killer = Killer(rig, chance=chance)
        killer.start_all()
        feeders = [
            threading.Thread(target=_feed_imap, args=(rig, mailbox.mails[::2], pace.arrival)),
            threading.Thread(target=_feed_smtp, args=(rig, mailbox.mails[1::2], pace.arrival)),
            *(thread for some in customers for thread in some.threads(rig, seconds=pace.arrival)),
        ]
        for feeder in feeders:
            # A run that is ended waits for no customer.
            feeder.daemon = True
            feeder.start()
        done = killer.harm(kills)
        for feeder in feeders:
            feeder.join()
        with contextlib.suppress(TimeoutError):
            rows = len(mailbox.mails) + sum(some.rows for some in customers)
            wait_until(
                lambda: is_drained(rig, rows) and all(_is_settled(rig, some) for some in customers),
                seconds=_DRAIN_SECONDS,
                every=0.5,
            )
        return read_ledger(rig, mailbox, kills=done, customers=customers)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--chats", type=int, default=300, help="messages by SMS, X and Telegram, a third each")
    parser.add_argument(
        "--gates", type=int, default=150, help="messages by custom, WeCom and mentions on X, a third each"
    )
    parser.add_argument(
        "--messengers", type=int, default=120, help="messages by WhatsApp, LINE and WeChat, and calls, a quarter each"
    )
    parser.add_argument("--lines", type=int, default=1000, help="lines of 20 visitors of the site's chat")
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _is_settled(rig: Rig, some: Customers) -> bool:
    """Return whether nothing of theirs waits in the desk, or at a provider for the next look.

    The number of rows does not say that: an edited post makes one more, and a call without its webhooks comes later.
    """
    return some.is_drained(rig) and not some.books(rig).lost


def _feed_imap(rig: Rig, mails: Sequence[bytes], seconds: float) -> None:
    for start in range(0, len(mails), 10):
        rig.mail.deliver(USER, mails[start : start + 10])
        time.sleep(seconds / (len(mails) / 10))


def _feed_smtp(rig: Rig, mails: Sequence[bytes], seconds: float) -> None:
    for start in range(0, len(mails), 10):
        for mail in mails[start : start + 10]:
            submit(rig, mail)
        time.sleep(seconds / (len(mails) / 10))


if __name__ == "__main__":
    main()

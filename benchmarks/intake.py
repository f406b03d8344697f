"""From a mailbox to routed conversations, compared with a bare loop that fetches, parses and inserts the same mailbox.

python -m benchmarks.intake --messages 2000 --database sqlite|postgresql --seed 1 --json

The mails lie in a real IMAP server and every process runs before the measurement starts, when the connectors own the
channel; it stops when no mail waits to be routed. `cpu_ms_per_mail` is the processor time of our processes in that span
(connectors with their readers, and workers), without the loading of their modules; `cpu_ms_by_part` lists them one by
one, and also the servers: mail server, broker and, where it is a server, database.
The desk is always open, so that the figures are the same by day and by night; with `--calendar office` it may
be closed, and then checks each mail a second time. Its automatic answers are work as well (`automatic_replies`).
`worker_mb` is the memory of the larger worker at the end.
Messages are judged by words alone. With `--trained` the mailbox is measured twice, by words alone and with the shipped
model and its encoder, as a desk runs that keeps the shipped categories; `kept_with_model` is the share of the rate that
remains.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from fast_mail_parser import parse_email

from benchmarks.mailbox import Mailbox, make_mailbox
from benchmarks.process_costs import resident_mb
from benchmarks.rig import CHANNEL, USER, Rig, running_rig, wait_until

_PAGE: Final = 100
_SECONDS: Final = 600
# The shipped model does not fit a desk with a category that it never learnt.
_SPARE_CATEGORY: Final = '\n[categories.spare]\ntitle = { zh = "备用", en = "Spare" }\n'


def main() -> None:
    """Measure, print, and fail when the outcome is not the known one."""
    arguments = _arguments()
    mailbox = make_mailbox(messages=arguments.messages, seed=arguments.seed)
    figures = _figures(arguments, mailbox, trained=False)
    if arguments.trained:
        with_model = _figures(arguments, mailbox, trained=True)
        kept = with_model["mails_per_second"] / figures["mails_per_second"]
        figures |= {"with_model": with_model, "kept_with_model": round(kept, 3)}
    _show(figures, as_json=arguments.json)


def _figures(arguments: argparse.Namespace, mailbox: Mailbox, *, trained: bool) -> dict[str, Any]:
    """Measure in a separate rig. Raises SystemExit when the outcome is not the known one."""
    with running_rig(arguments.database, page=_PAGE) as rig:
        rig.calendar = arguments.calendar
        rig.channels = "" if trained else _SPARE_CATEGORY
        rig.write_config()
        rig.mail.deliver(USER, mailbox.mails)
        figures: dict[str, Any] = {
            "database": arguments.database,
            "mail_server": rig.mail.kind,
            "mails": arguments.messages,
        }
        figures |= {"limit_mails_per_second": round(_limit(rig))}
        figures |= _measure(rig, mailbox, workers=arguments.workers)
    figures["share_of_limit"] = round(figures["mails_per_second"] / figures["limit_mails_per_second"], 3)
    _assert_outcome(figures, mailbox)
    return figures


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--workers", type=int, default=2, help="processes that route, one a core")
    parser.add_argument("--calendar", choices=("always", "office"), default="always", help="when the desk is open")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--trained", action="store_true", help="measure once more with a trained model")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _limit(rig: Rig) -> float:
    """Return the mails a second of the minimum of any intake: fetch, parse, one insert per page, flushed to disk."""
    table = sa.Table(
        "bare",
        sa.MetaData(),
        sa.Column("uid", sa.Integer, primary_key=True),
        sa.Column("subject", sa.Text),
        sa.Column("sender", sa.Text),
        sa.Column("text", sa.Text),
        sa.Column("original", sa.LargeBinary),
    )
    with rig.database.write() as connection:
        table.create(connection)
    client = rig.mail.client(USER)
    started = time.perf_counter()
    uids = client.search()
    for start in range(0, len(uids), _PAGE):
        answers = client.fetch(uids[start : start + _PAGE], ["BODY.PEEK[]"])
        rows = [_bare_row(uid, answer[b"BODY[]"]) for uid, answer in answers.items()]
        with rig.database.write() as connection:
            connection.execute(sa.insert(table), rows)
    seconds = time.perf_counter() - started
    client.logout()
    with rig.database.write() as connection:
        table.drop(connection)
    return len(uids) / seconds


def _bare_row(uid: int, original: bytes) -> dict[str, object]:
    mail = parse_email(original)
    return {
        "uid": uid,
        "subject": mail.subject,
        "sender": "".join(mail.headers.get("From", ())),
        "text": "\n".join(mail.text_plain),
        "original": bytes(original),
    }


def _measure(rig: Rig, mailbox: Mailbox, *, workers: int) -> dict[str, Any]:
    rig.start_from_the_first_mail()
    rig.start_broker()
    names = [f"worker {number}" for number in range(1, workers + 1)]
    for name in names:
        rig.start(name, "workers")
    for name in names:
        wait_until(partial(_has_started, rig.folder / f"{name}.log"), seconds=60)
    rig.start("connectors", "connectors")
    owned = f"SELECT count(*) FROM lease WHERE name = 'channel:{CHANNEL}'"
    wait_until(lambda: rig.scalar(owned) == 1, seconds=60, every=0.005)
    started, before = time.perf_counter(), rig.cpu_seconds()
    accepted = "SELECT count(*) FROM inbound"
    wait_until(lambda: rig.scalar(accepted) == len(mailbox.mails), seconds=_SECONDS)
    waiting = "SELECT count(*) FROM inbound WHERE state = 'received'"
    wait_until(lambda: rig.scalar(waiting) == 0, seconds=_SECONDS)
    seconds, after = time.perf_counter() - started, rig.cpu_seconds()
    mails = len(mailbox.mails)
    parts = {name: round((after[name] - before[name]) * 1000 / mails, 3) for name in after}
    ours = ["connectors", *names]
    held = max(resident_mb(rig.processes[name].pid) for name in names)
    for name in ours:
        rig.stop(name)
    return {
        "mails_per_second": round(mails / seconds),
        "cpu_ms_per_mail": round(sum(parts[name] for name in ours), 3),
        "cpu_ms_by_part": parts,
        "worker_mb": held,
    } | _outcome(rig)


def _has_started(log: Path) -> bool:
    return b"worker.started" in log.read_bytes()


def _outcome(rig: Rig) -> dict[str, int]:
    tables = ("conversation", "message", "outbound")
    conversations, messages, replies = (rig.scalar(f"SELECT count(*) FROM {table}") for table in tables)
    return {
        "conversations": conversations,
        "messages": messages,
        "replies_threaded": messages - conversations,
        "redeliveries_recognised": rig.scalar("SELECT count(*) FROM inbound WHERE state = 'duplicate'"),
        "automatic_replies": replies,
    }


def _show(figures: dict[str, object], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(figures))
        return
    for name, value in figures.items():
        print(f"{name:28} {value}")


def _assert_outcome(figures: dict[str, object], mailbox: Mailbox) -> None:
    wanted: Sequence[tuple[str, int]] = (
        ("conversations", mailbox.conversations),
        ("messages", mailbox.messages),
        ("replies_threaded", mailbox.replies),
        ("redeliveries_recognised", mailbox.redeliveries),
    )
    wrong = [f"{name} is {figures[name]}, not {value}" for name, value in wanted if figures[name] != value]
    if wrong:
        raise SystemExit("the outcome is wrong: " + "; ".join(wrong))


if __name__ == "__main__":
    main()

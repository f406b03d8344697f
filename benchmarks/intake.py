"""From a mailbox to routed conversations, beside the bare loop that fetches, parses and inserts the same mailbox.

python -m benchmarks.intake --messages 2000 --database sqlite|postgresql --seed 1 --json
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from fast_mail_parser import parse_email

from benchmarks.mailbox import Mailbox, make_mailbox
from benchmarks.rig import CHANNEL, USER, Rig, children_cpu_seconds, running_rig, wait_until

_PAGE: Final = 100
_SECONDS: Final = 600


def main() -> None:
    """Measure, print, and fail when the outcome is not the known one."""
    arguments = _arguments()
    mailbox = make_mailbox(messages=arguments.messages, seed=arguments.seed)
    with running_rig(arguments.database, page=_PAGE) as rig:
        rig.mail.deliver(USER, mailbox.mails)
        figures = {"database": arguments.database, "mail_server": rig.mail.kind, "mails": arguments.messages}
        figures |= {"limit_mails_per_second": round(_limit(rig))}
        figures |= _measure(rig, mailbox)
    figures["share_of_limit"] = round(figures["mails_per_second"] / figures["limit_mails_per_second"], 3)
    _show(figures, as_json=arguments.json)
    _assert_outcome(figures, mailbox)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _limit(rig: Rig) -> float:
    """Return the mails a second of the least that any intake must do: fetch, parse, one insert a page, flushed."""
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


def _measure(rig: Rig, mailbox: Mailbox) -> dict[str, float]:
    rig.start_from_the_first_mail()
    rig.start_broker()
    rig.start("worker", "workers")
    wait_until(lambda: b"worker.started" in (rig.folder / "worker.log").read_bytes(), seconds=30)
    cpu = children_cpu_seconds()
    rig.start("connectors", "connectors")
    wait_until(lambda: rig.scalar(f"SELECT count(*) FROM lease WHERE name = 'channel:{CHANNEL}'") == 1, seconds=30)
    started = time.perf_counter()
    accepted = "SELECT count(*) FROM inbound"
    wait_until(lambda: rig.scalar(accepted) == len(mailbox.mails), seconds=_SECONDS, every=0.01)
    waiting = "SELECT count(*) FROM inbound WHERE state = 'received'"
    wait_until(lambda: rig.scalar(waiting) == 0, seconds=_SECONDS, every=0.01)
    seconds = time.perf_counter() - started
    for name in ("connectors", "worker"):
        rig.stop(name)
    conversations = rig.scalar("SELECT count(*) FROM conversation")
    messages = rig.scalar("SELECT count(*) FROM message")
    return {
        "mails_per_second": round(len(mailbox.mails) / seconds),
        "cpu_ms_per_mail": round((children_cpu_seconds() - cpu) * 1000 / len(mailbox.mails), 3),
        "conversations": conversations,
        "messages": messages,
        "replies_threaded": messages - conversations,
        "redeliveries_recognised": rig.scalar("SELECT count(*) FROM inbound WHERE state = 'duplicate'"),
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

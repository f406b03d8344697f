"""How long search and the list take on a large desk: `python -m benchmarks.search --messages 1000000`.

Fills a database of each kind with conversations of invented mail, Chinese and English, and runs the same queries on
it: rare words, common words, words of two characters, a beginning, a word that is missing; then the lists. Prints
milliseconds (median, 95th percentile) and the cost of the index per message.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.conversation_status import Status
from router.text.search_terms import Wanted, index_words, read_query
from store.conversations.lists import Filter, Sort, list_conversations
from store.conversations.search import SearchHit, find_messages
from store.conversations.search_index.indexed_words import index_messages
from store.db.bulk import insert_rows
from store.db.engine import Database, read_clock
from store.db.ids import new_id, new_reference
from store.db.migrate import upgrade
from store.desk.inbox_counts import count_all
from store.tables.messages import ContactRow, ConversationRow, InboundRow, MessageRow
from tests.inbox_builder import NOON
from tests.servers.postgres import running_postgres

_BATCH: Final = 5_000
_MESSAGES_EACH: Final = 5
_EN: Final = [
    "the",
    "my",
    "payment",
    "failed",
    "but",
    "money",
    "was",
    "taken",
    "from",
    "wallet",
    "and",
    "i",
    "would",
    "like",
    "refund",
    "of",
    "whole",
    "amount",
    "please",
    "order",
    "see",
    "receipt",
    "attached",
    "account",
    "locked",
    "password",
    "reset",
    "code",
    "never",
    "came",
    "help",
    "me",
    "transfer",
    "bank",
    "card",
    "number",
    "phone",
    "support",
    "agent",
    "waiting",
    "days",
    "again",
    "still",
    "nothing",
    "happened",
    "why",
    "does",
    "app",
    "show",
    "error",
    "when",
    "try",
    "to",
    "pay",
    "shop",
    "yesterday",
    "thank",
    "you",
]
_ZH: Final = (
    "我昨天在商店用钱包付款交易失败了但是钱已经被扣走请尽快退款订单号谢谢你们的帮助账户被锁定密码重置验证码收不到"
    "转账银行卡手机客服等了几天还是没有人处理为什么应用显示错误"
)
_QUERIES: Final = {
    "rare number": "TX00012345",
    "two characters, common": "退款",
    "sentence": "尽快退款",
    "two rare characters": "龘靐",
    "common word": "refund",
    "two common words": "refund wallet",
    "beginning": "recei",
    "common and rare": "refund TX00054321",
    "one character": "钱",
    "not there": "zzyzx",
}


def main() -> None:
    """Seed, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    arguments = parser.parse_args()
    for kind, opened in (("sqlite", _sqlite), ("postgresql", _postgresql)):
        if arguments.only in {None, kind}:
            with opened() as database:
                print(f"{kind}, {arguments.messages} messages")
                _seed(database, arguments.messages)
                _measure(database, repeats=arguments.repeats)


@contextmanager
def _sqlite() -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        database = Database.at(Path(folder) / "omniyard.db")
        upgrade(database)
        yield database
        database.close()


@contextmanager
def _postgresql() -> Iterator[Database]:
    with running_postgres() as server:
        database = Database(server.url())
        upgrade(database)
        yield database
        database.close()


def _seed(database: Database, messages: int) -> None:
    dice, cost = random.Random(1), 0.0
    for start in range(0, messages, _BATCH):
        rows = _rows(dice, start=start, count=min(_BATCH, messages - start))
        with database.write() as connection:
            for model in (ContactRow, InboundRow, ConversationRow, MessageRow):
                insert_rows(connection, model, rows=rows[model])
            began = time.perf_counter()
            index_messages(connection, rows[MessageRow])
            cost += time.perf_counter() - began
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("ANALYZE"))
    print(f"  index: {cost / messages * 1e6:.0f} microseconds per message")


def _rows(dice: random.Random, *, start: int, count: int) -> dict[Any, list[dict[str, Any]]]:
    rows: dict[Any, list[dict[str, Any]]] = {ContactRow: [], InboundRow: [], ConversationRow: [], MessageRow: []}
    for number in range(start, start + count, _MESSAGES_EACH):
        at = NOON + timedelta(seconds=number)
        contact_id, inbound_id, conversation_id = new_id(), new_id(), new_id()
        rows[ContactRow].append({"id": contact_id, "name": f"Customer {number}", "created_at": at})
        rows[InboundRow].append(_inbound(inbound_id, at=at))
        rows[ConversationRow].append(_conversation(dice, conversation_id, contact_id, inbound_id=inbound_id, at=at))
        rows[MessageRow] += [
            _message(dice, conversation_id, contact_id, number=number + step, at=at) for step in range(_MESSAGES_EACH)
        ]
    return rows


def _inbound(inbound_id: UUID, *, at: object) -> dict[str, Any]:
    times = dict.fromkeys(("received_at", "accepted_at", "due_at"), at)
    own = {"id": inbound_id, "channel": "mail", "source_key": inbound_id.hex, "content_hash": inbound_id.bytes}
    return own | {"state": "routed", "envelope": "{}", "size": 1} | times


def _conversation(
    dice: random.Random, conversation_id: UUID, contact_id: UUID, *, inbound_id: UUID, at: object
) -> dict[str, Any]:
    return {
        "id": conversation_id,
        "reference": new_reference(),
        "contact_id": contact_id,
        "channel": dice.choice(["mail", "sms", "chat"]),
        "subject": "A case",
        "status": dice.choices([*Status], weights=[80, 5, 5, 10])[0],
        "category": dice.choice(["refund", "locked", "password", None]),
        "team": dice.choice(["front-line", "payments", "risk"]),
        "assignee": dice.choice(["Ann", "Bob", None]) if dice.random() < 0.01 else "Cat",
        "priority": dice.choices(["low", "normal", "high", "urgent"], weights=[10, 80, 9, 1])[0],
        "labels": ["vip"] if dice.random() < 0.001 else [],
        "route": "all",
        "opened_at": at,
        "last_message_at": at,
        "next_reply_due_at": at if dice.random() < 0.3 else None,
        "opened_by_inbound": inbound_id,
    }


def _message(
    dice: random.Random, conversation_id: UUID, contact_id: UUID, *, number: int, at: object
) -> dict[str, Any]:
    words = " ".join(dice.choices(_EN, k=60)) if dice.random() < 0.5 else "".join(dice.choices(_ZH, k=120))
    own = {"id": new_id(), "conversation_id": conversation_id, "contact_id": contact_id, "direction": "incoming"}
    if dice.random() < 0.3:
        words += "，请尽快退款" if dice.random() < 0.5 else " refund"
    text = f"{words} TX{number:08d}" + ("龘靐" if number % 50_000 == 7 else "")
    return own | {
        "channel": "mail",
        "sender_handle": "a@b.example",
        "subject": "A case",
        "text": text,
        "received_at": at,
    }


def _measure(database: Database, *, repeats: int) -> None:
    words = [" ".join(random.Random(2).choices(_EN, k=60)), "".join(random.Random(2).choices(_ZH, k=120))]
    _time("words of a message", lambda _: [index_words(text) for text in words], database=database, repeats=repeats)
    for name, query in _QUERIES.items():
        look = partial(_search, wanted=read_query(query))
        _time(f"search, {name}", look, database=database, repeats=repeats)
    is_open = [Status.OPEN]
    with database.read() as connection:
        now = read_clock(connection)
    lists: dict[str, tuple[Filter, Sort]] = {
        "open, newest": (Filter(statuses=is_open), Sort.NEWEST),
        "open, due first": (Filter(statuses=is_open), Sort.DUE),
        "open, priority": (Filter(statuses=is_open), Sort.PRIORITY),
        "open, oldest, one team": (Filter(statuses=is_open, teams=["risk"]), Sort.OLDEST),
        "two teams, category, channel": (
            Filter(statuses=is_open, teams=["risk", "payments"], categories=["refund"], channels=["sms"]),
            Sort.NEWEST,
        ),
        "every status, unassigned": (Filter(unassigned=True), Sort.NEWEST),
        "one assignee, due first": (Filter(statuses=is_open, assignees=["Ann"]), Sort.DUE),
        "a rare label": (Filter(labels=["vip"]), Sort.NEWEST),
        "an unused label": (Filter(statuses=is_open, labels=["none"]), Sort.NEWEST),
        "overdue": (Filter(due_before=now), Sort.DUE),
        "unread": (Filter(unread_by=new_id(), statuses=is_open), Sort.NEWEST),
    }
    for name, (wanted, sort) in lists.items():
        listing = partial(list_conversations, wanted=wanted, sort=sort, limit=50)
        _time(f"list, {name}", listing, database=database, repeats=repeats)
    _time("counts", lambda c: count_all(c, agent="Ann", now=now), database=database, repeats=repeats)


def _search(connection: Connection, *, wanted: Wanted) -> list[SearchHit]:
    return find_messages(connection, wanted, limit=20)[0]


def _time(name: str, do: Callable[[Any], Any], *, database: Database, repeats: int) -> None:
    took: list[float] = []
    answer: Any = None
    for _ in range(repeats):
        with database.read() as connection:
            began = time.perf_counter()
            answer = do(connection)
            took.append((time.perf_counter() - began) * 1000)
    rows = len(answer) if isinstance(answer, list) else 1
    ninety_five = sorted(took)[max(0, round(len(took) * 0.95) - 1)]
    print(f"  {name:40} {statistics.median(took):8.1f} {ninety_five:8.1f} ms  {rows} rows", flush=True)


if __name__ == "__main__":
    main()

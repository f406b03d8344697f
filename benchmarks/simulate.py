"""How long `omniyard simulate` takes: `python -m benchmarks.simulate [--messages 100000] [--json]`.

The messages are generated and inserted into a new SQLite database; the replay is the command's own.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from sqlmodel import SQLModel

from router.envelope import Envelope, Party, PartyKind, to_json
from store.db.bulk import insert_rows
from store.db.engine import Database
from store.db.ids import new_id, new_reference
from store.db.migrate import upgrade
from store.tables.messages import ContactRow, ConversationRow, InboundRow, InboundState, MessageRow
from workers.routing.simulate import simulate

_CONFIG: Final = Path(__file__).parents[1] / "config" / "channels.toml"
_BATCH: Final = 2_000
# In the order of their foreign keys.
_TABLES: Final[tuple[type[SQLModel], ...]] = (ContactRow, InboundRow, ConversationRow, MessageRow)
_SINCE: Final = datetime(2026, 1, 1, tzinfo=UTC)
_SENTENCES: Final = (
    "我的账户被锁定了，请帮我解锁，谢谢。", "付款失败了但是钱已经扣了，订单号 2026110312345。",
    "退款申请一周了还没有到，请尽快处理。", "忘记登录密码了，怎么重置？", "提现到银行卡要多久？",
    "客服小李态度很好，表扬一下。", "打了三次电话都没人处理，我要投诉。",
    "My payment of 120.50 failed but the money was taken on Friday.", "When will my refund for order 20261103 arrive?",
    "I cannot log in any more, it says my account is locked.", "How do I remove an old bank card from the app?",
    "Please tell me what the daily limit for transfers abroad is.", "Thank you so much, the agent solved it.",
    "Somebody logged in to my account and moved my money!", "Best regards, and have a nice weekend.",
)  # fmt: skip


def main() -> None:
    """Fill a database, replay it under a changed file, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = _measure(Path(folder), messages=chosen.messages)
    print(json.dumps(figures) if chosen.json else "\n".join(f"{name}: {value}" for name, value in figures.items()))


def _measure(folder: Path, *, messages: int) -> dict[str, Any]:
    database = Database.at(folder / "omniyard.db")
    upgrade(database)
    _fill(database, messages=messages)
    # Another keyword makes every message be read twice; other hours and promises change many of the decisions.
    text = _CONFIG.read_text(encoding="utf-8")
    other = folder / "other.toml"
    changed = text.replace('keywords = ["退款", ', 'keywords = ["退款", "退款申请", ').replace(
        'first_reply = "2h"', 'first_reply = "1h"'
    )
    other.write_text(changed.replace('mon-fri = ["09:00-18:00"]', 'mon-fri = ["10:00-17:00"]'), encoding="utf-8")
    started = time.perf_counter()
    found = simulate(database, files=(_CONFIG, other), since=_SINCE)
    seconds = time.perf_counter() - started
    database.close()
    return {
        "messages": found.messages,
        "would change": found.changed,
        "seconds": round(seconds, 1),
        "messages a second": round(found.messages / seconds),
    }


def _fill(database: Database, *, messages: int) -> None:
    dice = random.Random(7)
    for first in range(0, messages, _BATCH):
        rows = [_rows(number, dice) for number in range(first, min(first + _BATCH, messages))]
        with database.write() as connection:
            for table, made in zip(_TABLES, zip(*rows, strict=True), strict=True):
                insert_rows(connection, table, rows=made)


def _rows(number: int, dice: random.Random) -> Sequence[dict[str, Any]]:
    at = _SINCE + timedelta(seconds=number * 200)
    envelope = _envelope(number, at, dice)
    ids = {"contact_id": new_id(), "inbound_id": new_id(), "conversation_id": new_id()}
    return tuple(_of_tables(envelope, at=at, **ids))


def _envelope(number: int, at: datetime, dice: random.Random) -> Envelope:
    return Envelope(
        channel="desk-mail",
        source_key=str(number),
        sender=Party(PartyKind.EMAIL, f"customer{number}@customer.example", f"Customer {number}"),
        received_at=at,
        to=(Party(PartyKind.EMAIL, "support@wallet.example"),),
        subject=dice.choice(_SENTENCES)[:30],
        text=" ".join(dice.choices(_SENTENCES, k=dice.randint(2, 10))),
        rfc_message_id=f"{number}@customer.example",
    )


def _of_tables(envelope: Envelope, *, at: datetime, **ids: UUID) -> Iterator[dict[str, Any]]:
    yield {"id": ids["contact_id"], "name": envelope.sender.name, "created_at": at}
    yield {
        "id": ids["inbound_id"],
        "channel": envelope.channel,
        "source_key": envelope.source_key,
        "content_hash": envelope.source_key.encode(),
        "state": InboundState.ROUTED,
        "envelope": to_json(envelope).decode(),
        "size": len(envelope.text),
        "received_at": at,
        "accepted_at": at,
        "due_at": at,
    }
    yield {
        "id": ids["conversation_id"],
        "reference": new_reference(),
        "contact_id": ids["contact_id"],
        "channel": envelope.channel,
        "team": "front-line",
        "priority": "normal",
        "route": "everything else",
        "opened_at": at,
        "last_message_at": at,
        "opened_by_inbound": ids["inbound_id"],
    }
    yield {
        "id": new_id(),
        "conversation_id": ids["conversation_id"],
        "contact_id": ids["contact_id"],
        "inbound_id": ids["inbound_id"],
        "direction": "incoming",
        "channel": envelope.channel,
        "sender_handle": envelope.sender.handle,
        "received_at": at,
    }


if __name__ == "__main__":
    main()

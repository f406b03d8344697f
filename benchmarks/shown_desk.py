"""A small desk for screenshots: invented customers of an e-wallet over two weeks, the same each time."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.engine import Connection

from store.db.bulk import insert_rows
from store.db.ids import new_id
from store.tables.desk import GateTallyRow, NoticeKind, SlaNoticeRow
from store.tables.emergencies import EmergencyRow
from tests.inbox_builder import Builder

SETTINGS: Final = """
[omniyard]
name = "E-wallet support"
timezone = "Asia/Shanghai"
data = "FOLDER"
[channels.support-mail]
kind = "smtp"
listen = "127.0.0.1:2526"
address = "support@wallet.example"
[channels.support-mail.send]
host = "127.0.0.1"
security = "none"
[channels.sms]
kind = "twilio"
account = "env:HOME"
token = "env:HOME"
number = "+15005550006"
[channels.whatsapp]
kind = "twilio"
account = "env:HOME"
token = "env:HOME"
number = "+15005550007"
whatsapp = true
[teams.front-line]
title = "Front line"
[teams.payments]
title = "Payments"
[teams.risk]
title = "Risk"
[categories.account_security]
title = { en = "Account security", zh = "账户安全" }
[categories.failed_transaction]
title = { en = "Failed transaction", zh = "交易失败" }
[categories.refund]
title = { en = "Refund", zh = "退款" }
[categories.password_reset]
title = { en = "Password reset", zh = "重置密码" }
[replies.ask]
text = { en = "Please tell us {missing_facts}. Your reference is {reference}.", zh = "请提供{missing_facts}。编号：{reference}" }
[[routes]]
name = "everything"
team = "front-line"
"""
_HOUR: Final = timedelta(hours=1)
# Reference, name, handle, channel, subject, text, category, team, priority, hours until due, emergency.
_CASES: Final = (
    ("K7QF2MXD4", "Li Wei", "li.wei@mail.example", "support-mail", "Payment failed, money was taken",
     "I paid 268 yuan at the supermarket, the payment failed but the money left my wallet.", "failed_transaction",
     "payments", "high", 2.0, False),
    ("P3NW8KRT2", "王芳", "+8613900000001", "sms", "", "我的钱包里的钱被人转走了，不是我操作的，请马上帮我冻结账户！",
     "account_security", "risk", "urgent", -0.2, True),
    ("B9TZ4HVC7", "Sarah Chen", "+447700900123", "whatsapp", "", "Hi, when will my refund arrive? It has been a week.",
     "refund", "payments", "normal", 5.0, False),
    ("X5RJ1MQG8", "Tom Baker", "tom@mail.example", "support-mail", "Cannot reset my password",
     "The reset link says it has expired each time I open it.", "password_reset", "front-line", "normal", 7.5, False),
    ("D2YK6WNF3", "陈静", "chen.jing@mail.example", "support-mail", "退款什么时候到账",
     "上周申请的退款还没有到账，请帮忙查询一下。", "refund", "payments", "normal", 26.0, False),
    ("M8PC3XTB5", "Omar Haddad", "omar@mail.example", "support-mail", "Question about limits",
     "What is the daily limit of a new account?", None, "front-line", "low", 30.0, False),
)  # fmt: skip


def fill_desk(connection: Connection, *, now: datetime) -> None:
    """Write the desk. now: the moment of the screenshot."""
    build = Builder(connection, now=now - _HOUR)
    for place, case in enumerate(_CASES):
        _open(build, case, at=build.now - place * timedelta(minutes=17), now=now)
    _past(build, connection, now=now)
    for channel in ("support-mail", "sms", "whatsapp"):
        build.polled(channel)


def _open(build: Builder, case: tuple[Any, ...], *, at: datetime, now: datetime) -> None:
    reference, name, handle, channel, subject, text, category, team, priority, due, emergency = case
    case_id = build.conversation(
        reference=reference, name=name, handle=handle, channel=channel, subject=subject, category=category, team=team,
        priority=priority, emergency=emergency, first_reply_due_at=now + due * _HOUR, opened_at=at, last_message_at=at,
        language="zh" if not text.isascii() else "en", assignee="Ming" if priority == "normal" else None,
    )  # fmt: skip
    fields = {"channel": channel, "text": text, "sender_name": name, "sender_handle": handle, "received_at": at}
    build.message(case_id, **fields)
    if reference == "K7QF2MXD4":
        note = {"direction": "note", "sender_name": "Li", "origin": "agent", "trace": {}}
        build.message(case_id, **fields | note | {"text": "The acquirer confirms a reversal for tomorrow."})
        older = build.conversation(name=name, handle=handle, subject="Card changed", status="resolved", opened_at=at)
        build.message(older, **fields | {"text": "I have a new phone and a new card."})


def _past(build: Builder, connection: Connection, *, now: datetime) -> None:
    dice = random.Random(7)
    for day in range(1, 14):
        for _ in range(dice.randrange(8, 22)):
            at = now - timedelta(days=day, hours=dice.randrange(9))
            case_id = build.conversation(
                handle=f"{dice.randrange(10**9)}@mail.example", name="", status="resolved", opened_at=at,
                channel=dice.choices(["support-mail", "sms", "whatsapp"], weights=[6, 3, 2])[0],
                category=dice.choice(["refund", "failed_transaction", "password_reset", "account_security", None]),
                last_message_at=at, replied_at=at + timedelta(minutes=dice.expovariate(1 / 45)),
                sla=dice.choice(["money", "standard"]),
            )  # fmt: skip
            chance = dice.random()
            if chance < 0.08:
                notice = {"conversation_id": case_id, "promise": "first_reply", "kind": NoticeKind.BREACH}
                insert_rows(connection, SlaNoticeRow, rows=[notice | {"id": new_id(), "due_at": at, "at": at}])
            elif chance < 0.14:
                called = {"conversation_id": case_id, "inbound_id": new_id(), "at": at, "evidence": {}, "by": "Li"}
                found = {"confirmed": dice.choice([True, True, False]), "confirmed_at": at}
                insert_rows(connection, EmergencyRow, rows=[called | found])
        tally = {"id": new_id(), "at": now - timedelta(days=day), "held": dice.randrange(9), "released": 1}
        insert_rows(connection, GateTallyRow, rows=[tally])

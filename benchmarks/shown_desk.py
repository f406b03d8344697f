"""A small desk for screenshots: invented customers of an e-wallet over two weeks, the same each time."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.engine import Connection

from api.text.phrases import Language
from store.db.bulk import insert_rows
from store.db.ids import new_id
from store.tables.desk import GateTallyRow, NoticeKind, SlaNoticeRow
from store.tables.emergencies import EmergencyRow
from tests.inbox_builder import TRACE, Builder

SETTINGS: Final = """
[omniyard]
name = "NAME"
timezone = "Asia/Shanghai"
data = "FOLDER"
[channels.support-mail]
title = { en = "Support mail", zh = "客服邮箱" }
kind = "smtp"
listen = "127.0.0.1:2526"
address = "support@wallet.example"
[channels.support-mail.send]
host = "127.0.0.1"
security = "none"
[channels.sms]
title = { en = "SMS", zh = "短信" }
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
title = { en = "Front line", zh = "一线客服" }
[teams.payments]
title = { en = "Payments", zh = "支付组" }
[teams.risk]
title = { en = "Risk", zh = "风控组" }
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

# The same customers where all of them write Chinese: name, subject, text.
_IN_CHINESE: Final = {
    "K7QF2MXD4": ("李伟", "付款失败，钱却扣了", "我昨晚在超市付款 268 元，显示支付失败，但钱包里的钱已经扣了。"),
    "B9TZ4HVC7": ("周倩", "", "你好，我的退款什么时候能到？已经等了一周了。"),
    "X5RJ1MQG8": ("孙强", "重置不了密码", "重置密码的链接每次打开都说已经过期。"),
    "M8PC3XTB5": ("吴昊", "咨询限额", "新账户每天的限额是多少？"),
}
NAMES: Final = {"en": "E-wallet support", "zh": "钱包客服"}
_NOTE: Final = {"en": "The acquirer confirms a reversal for tomorrow.", "zh": "收单行确认明天冲正。"}
_OLDER: Final = {
    "en": ("Card changed", "I have a new phone and a new card."),
    "zh": ("更换银行卡", "我换了手机，也换了银行卡。"),
}
AGENTS: Final = {
    "en": {"agent": "Ming", "senior": "Li", "supervisor": "Zhao"},
    "zh": {"agent": "陈明", "senior": "李娜", "supervisor": "赵敏"},
}
"""Language of the pictures -> role -> who works at the desk."""


def fill_desk(connection: Connection, *, now: datetime, language: Language) -> None:
    """Write the desk. now: the moment of the screenshot.  language: `en` has customers of both, `zh` Chinese ones."""
    build = Builder(connection, now=now - _HOUR)
    for place, case in enumerate(_CASES):
        at = build.now - place * timedelta(minutes=17)
        _open(build, _told(case, language=language), at=at, now=now, language=language)
    _past(build, connection, now=now)
    for channel in ("support-mail", "sms", "whatsapp"):
        build.polled(channel)


def _told(case: tuple[Any, ...], *, language: Language) -> tuple[Any, ...]:
    reference, _, handle, channel, _, _, *rest = case
    if language == "en" or reference not in _IN_CHINESE:
        return case
    name, subject, text = _IN_CHINESE[reference]
    return (reference, name, handle, channel, subject, text, *rest)


def _open(build: Builder, case: tuple[Any, ...], *, at: datetime, now: datetime, language: Language) -> None:
    reference, name, handle, channel, subject, text, category, team, priority, due, emergency = case
    case_id = build.conversation(
        reference=reference, name=name, handle=handle, channel=channel, subject=subject, category=category, team=team,
        priority=priority, emergency=emergency, first_reply_due_at=now + due * _HOUR, opened_at=at, last_message_at=at,
        language="zh" if not text.isascii() else "en", assignee=AGENTS[language]["agent"] if priority == "normal" else None,
    )  # fmt: skip
    fields = {"channel": channel, "text": text, "sender_name": name, "sender_handle": handle, "received_at": at}
    if language == "zh":
        fields["trace"] = _trace_in_chinese()
    build.message(case_id, **fields)
    if reference == "K7QF2MXD4":
        note = {"direction": "note", "sender_name": AGENTS[language]["senior"], "origin": "agent", "trace": {}}
        build.message(case_id, **fields | note | {"text": _NOTE[language]})
        subject, text = _OLDER[language]
        older = build.conversation(name=name, handle=handle, subject=subject, status="resolved", opened_at=at)
        build.message(older, **fields | {"text": text})


def _trace_in_chinese() -> dict[str, Any]:
    said = {"language": "zh", "evidence": ["支付失败"]}
    return {**TRACE, "classification": TRACE["classification"] | said, "route": TRACE["route"] | {"fired": "资金问题"}}


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

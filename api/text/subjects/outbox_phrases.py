"""The phrases of the outbox, and of the guide to a first case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
OUTBOX_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "outbox": ("Outbox", "发件箱"),
    "outbox_hint": (
        "No mail server is set under `send` of the channel, so nothing is sent: this is what would have been sent.",
        "尚未设置邮件服务器，邮件不会真正发出，以下是本应发出的内容。可在渠道的 `send` 中设置邮件服务器。",
    ),
    "outbox_off": ("Every channel can send; nothing is kept here.", "所有渠道都可以正常发送，这里不保留内容。"),
    "outbox_to": ("To", "收件人"),
    "outbox_from": ("By", "发送方"),
    "outbox_when": ("When", "时间"),
    "outbox_kept": ("kept, not sent", "已保留，未真正发出"),
    "outbox_case": ("Conversation", "会话"),
    "outbox_empty": (
        "Nothing yet. Answer a customer, and the answer is here.",
        "暂无内容。回复客户后，回复会显示在这里。",
    ),
    "outbox_only": (
        "No mail server is set: your answer is kept in the outbox, and the customer does not get it.",
        "尚未设置邮件服务器：回复会保留在发件箱，客户不会收到。",
    ),
    "outbox_open": ("Open the outbox", "查看发件箱"),
    "guide": ("Your first case", "第一个会话"),
    "guide_start": (
        "New here? Open your first case; a list next to it says what to do:",
        "第一次使用？打开第一个会话，旁边有操作步骤：",
    ),
    "guide_lead": ("Five steps; each is ticked when it is done.", "共五步，完成后自动打勾。"),
    "guide_take": ("Take it: press Take it, or t. Now it is yours.", "认领：点“认领”或按 t，会话归你处理。"),
    "guide_read": (
        "Read the message, and why it is here: the words, the team and the due time are in Why it is here.",
        "看消息和“分派依据”：依据的词语、团队和时效都在其中。",
    ),
    "guide_note": ("Leave a note for colleagues; the customer never sees it.", "写一条内部备注给同事，客户看不到。"),
    "guide_answer": ("Answer the customer. A ready text is a good start.", "回复客户，可以从常用回复开始。"),
    "guide_resolve": ("Resolve it: press Resolve, or e.", "解决：点“解决”或按 e。"),
    "guide_done": ("done", "已完成"),
    "guide_todo": ("to do", "未完成"),
}

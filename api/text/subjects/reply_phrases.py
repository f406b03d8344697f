"""The phrases of the reply box and of outgoing messages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
REPLY_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "refused_empty": ("Not sent: the text is empty.", "未发送：没有可见的文字。"),
    "refused_too_long": (
        "Not sent: the text has {length} characters; this channel takes at most {longest}.",
        "未发送：文字长度为 {length}，此渠道最多 {longest}。",
    ),
    "refused_planned": (
        "Not resolved: a reply is planned for later. Choose whether it is still sent.",
        "未解决：有一条定时回复。请选择是否仍然发送。",
    ),
    "refused_masked": (
        "Not sent again: it had a secret, which is not kept after sending. Complete the text below, and send it.",
        "未重新发送：原文含敏感信息，发送后不再保留。原文已填入下方输入框，请补全星号部分后再发送。",
    ),
    "planned_reply": ("Planned reply", "定时回复"),
    "planned_send": ("send it as planned", "按时发送"),
    "planned_cancel": ("do not send it", "不再发送"),
    "text_length": ("{count} of {longest} characters", "{count} / {longest} 字"),
    "reply": ("Reply", "回复"),
    "note": ("Internal note", "内部备注"),
    "note_by": ("Note by {name}", "{name} 的备注"),
    "your_reply": ("Your answer to {name}", "回复 {name}"),
    "send": ("Send", "发送"),
    "save_note": ("Save as note", "存为备注"),
    "when": ("Leaves", "发送时间"),
    "when_now": ("now", "立即"),
    "when_opening": ("when the channel opens ({at})", "服务开始后（{at}）"),
    "when_at": ("at", "定时"),
    "send_at": ("Day and time", "日期和时间"),
    "canned": ("Ready texts", "常用回复"),
    "insert": ("Insert", "插入"),
    "no_way_out": (
        "This channel cannot send; leave a note, or answer elsewhere.",
        "此渠道无法发送；请写备注或改用其他渠道回复。",
    ),
    "window_until": ("You can answer until {at}.", "可在 {at} 前回复。"),
    "window_over": (
        "The provider's window closed {at}: only an approved template may leave.",
        "平台回复窗口已于 {at} 关闭，只能发送已审核的模板。",
    ),
    "closed_now": ("The channel is closed; it opens {at}.", "非服务时间，{at} 开始服务。"),
    "segments": ("{parts} SMS, {left} left in the last ({alphabet})", "{parts} 条短信，末条剩余 {left}（{alphabet}）"),
    "cancel_sending": ("Do not send", "取消发送"),
    "send_again": ("Send again", "重新发送"),
    "mark_sent": ("It arrived", "已送达"),
    "outgoing": ("On its way to the customer", "发往客户"),
    "auto_reply": ("automatic reply", "自动回复"),
    "outbound_queued": ("queued", "排队中"),
    "outbound_sending": ("sending", "发送中"),
    "outbound_sent": ("sent", "已发送"),
    "outbound_kept": ("kept in the outbox", "已存入发件箱"),
    "outbound_failed": ("failed", "发送失败"),
    "outbound_unknown": ("outcome unknown", "结果未知"),
    "outbound_needs_person": ("a person must decide", "需人工确认"),
    "outbound_cancelled": ("cancelled", "已取消"),
}

"""The phrases of channels and quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
CHANNEL_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "cannot_be_opened": ("It cannot be opened", "无法解密"),
    "reason": ("Reason", "原因"),
    "waiting_since": ("Waiting since", "接收时间"),
    "discarded": ("Discarded", "已丢弃"),
    "waiting": ("Waiting", "待处理"),
    "size": ("Size", "大小"),
    "quarantine_empty": ("Nothing in quarantine. All messages were routed.", "没有异常消息，所有消息都已分派。"),
    "quarantine_hint": (
        "Messages that could not be routed. Their bytes are kept. They can be routed again or discarded here.",
        "无法分派的消息。原始内容完整保留，可在此重新分派或丢弃。",
    ),
    "attempts": ("Attempts", "尝试次数"),
    "last_poll": ("Last good poll", "上次成功收取"),
    "pushed_to_us": ("as they come", "实时推送"),
    "never": ("never", "从未"),
    "routed": ("Routed", "已分派"),
    "duplicate": ("Duplicates", "重复"),
    "received": ("Waiting", "待分派"),
    "quarantined": ("Quarantined", "异常"),
    "accepted": ("Accepted", "已接收"),
    "balanced": ("The books balance.", "消息核对无误。"),
    "unbalanced": ("The books do not balance: inform your administrator.", "消息核对有误：请通知系统管理员。"),
    "state": ("State", "状态"),
    "channel_unsent": ("{count} could not be sent so far", "{count} 条未能发出"),
    "channel_unsent_open": ("Show them", "查看"),
    "fine": ("fine", "正常"),
    "kind_imap": ("mail (IMAP)", "邮箱收取"),
    "kind_smtp": ("mail (SMTP)", "邮件接收"),
    "kind_web": ("contact form", "网页留言"),
    "kind_twilio": ("SMS (Twilio)", "短信"),
    "kind_http_sms": ("SMS", "短信"),
    "kind_x": ("X", "X 私信"),
    "kind_telegram": ("Telegram", "Telegram 消息"),
    "kind_custom": ("your own system", "自有系统"),
    "kind_voice": ("hotline", "热线"),
    "kind_wecom": ("WeCom customer service", "微信客服"),
    "kind_wechat": ("WeChat", "微信"),
    "kind_line": ("LINE", "LINE"),
    "kind_whatsapp": ("WhatsApp", "WhatsApp"),
    "kind_x_mentions": ("public mentions on X", "X 公开提及"),
    "kind_chat": ("chat", "在线聊天"),
    # The kinds of a customer's handles.
    "handle_email": ("e-mail", "邮箱"),
    "handle_phone": ("phone", "手机"),
    "handle_whatsapp": ("WhatsApp", "WhatsApp"),
    "handle_x": ("X", "X"),
    "handle_telegram": ("Telegram", "Telegram"),
    "handle_web": ("contact form", "在线留言"),
    "handle_custom": ("a system of ours", "自有系统"),
    "handle_wecom": ("WeCom", "企业微信"),
    "handle_wechat": ("WeChat", "微信"),
    "handle_line": ("LINE", "LINE"),
    "handle_visitor": ("chat visitor", "聊天访客"),
    "handle_account": ("account, proven by our own site", "本站账号（已验证）"),
}

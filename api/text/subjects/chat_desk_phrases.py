"""The phrases of the agents' side of the chat, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
CHAT_DESK_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "chats_at_once": ("Chats at once", "同时接待聊天数"),
    "chats_as_channel": ("as the channel says", "按渠道设置"),
    "chat_calls": ("A visitor waits in the chat", "有客户在等候聊天"),
    "call_chats": ("A visitor waits in the chat", "有客户在等候聊天"),
    "chats": ("Chats", "聊天"),
    "chats_open": ("Chats under way", "进行中的聊天"),
    "chats_answered": ("Answered in 24 hours", "24 小时内已接待"),
    "chats_median": ("Median wait", "等候时长中位数"),
    "chats_ninetieth": ("90 % waited less than", "90% 的等候短于"),
    "chats_none": ("No visitor waits.", "暂无等候的客户。"),
    "chats_by_agent": ("Chats by agent", "各客服的聊天"),
    "chat_case": ("Case", "会话"),
    "chats_waiting": ("Chats waiting", "聊天等候"),
    "chats_ongoing": ("My chats, waiting for the visitor", "我的聊天，等客户回复"),
    "chat_waits": ("waiting", "已等"),
    "chat_visitor": ("Visitor", "访客"),
    "chat_title": ("Chat", "聊天"),
    "chat_here": ("The visitor's page is open", "客户在线"),
    "chat_gone": ("The visitor has left the page", "客户已离开页面"),
    "chat_typing": ("The visitor is typing", "客户正在输入"),
    "chat_over": ("The chat has ended, and its case is resolved.", "聊天已结束，会话已解决。"),
    "chat_is_blocked": ("Blocked until {at}", "已屏蔽至 {at}"),
    "chat_proved": ("Signed by your server", "已由贵方服务器验证身份"),
    "chat_unproved": ("Not verified: name and mail are as the visitor typed them", "未验证：称呼和邮箱为访客自填"),
    "chat_mail_proved": ("Signed by your server", "已由贵方服务器验证"),
    "chat_mail_unproved": ("Not verified: as typed", "未验证：访客自填"),
    "chat_unseen": ("{count} not yet read by the visitor", "{count} 条客户未读"),
    "chat_site": ("Site", "来源网站"),
    "chat_mail": ("Mail for answers", "回复邮箱"),
    "chat_enter": ("Enter sends, Shift Enter adds a line", "Enter 发送，Shift Enter 换行"),
    "chat_end": ("End and resolve", "结束并解决"),
    "chat_block": ("Block for 24 h", "屏蔽 24 小时"),
    "chat_unblock": ("Lift the block", "解除屏蔽"),
    "chat_hand_over": ("Hand over", "转接"),
    "chat_to_team": ("To team", "转给团队"),
    "chat_to_agent": ("To agent", "转给同事"),
    "chat_note": ("Note for the colleague", "给同事的备注"),
    "done_chat_end": ("The chat has ended, and its case is resolved.", "聊天已结束，会话已解决。"),
    "done_chat_block": ("The visitor is blocked for 24 hours.", "已屏蔽该访客 24 小时。"),
    "done_chat_unblock": ("The visitor may write again.", "已解除屏蔽。"),
    "done_chat_transfer": ("Handed over.", "已转接。"),
}

"""Phrases of the bell and of calls, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
NOTICE_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "notices": ("Notices", "通知"),
    "toast_close": ("Close this notice", "关闭提示"),
    "notices_none": ("Nothing has happened to your cases.", "你的会话暂无新动态"),
    "notices_read": ("Mark all read", "全部已读"),
    "notices_all": ("All", "全部"),
    "notices_mentions": ("Mentions", "提到我"),
    "notice_mentioned": ("{name} mentioned you", "{name} 在备注中提到你"),
    "notice_assigned": ("{name} assigned this to you", "{name} 把会话分配给你"),
    "notice_assigned_by_desk": ("It was assigned to you", "系统把会话分配给你"),
    "notice_answered": ("{name} answered", "{name} 回复了你处理的会话"),
    "notice_undelivered": ("Not delivered to {name}", "发给 {name} 的消息没有送达"),
    "notice_due": ("The time for a promise runs out", "服务时效即将或已经超时"),
    "notice_returned": ("Snoozed until now, open again", "暂缓到期，已回到待处理"),
    "notice_emergency": ("New emergency", "新的紧急会话"),
    "call_choices": ("Calls on this desk", "提醒方式"),
    "calls_hint": (
        "Notices of the system and sound need a permission of the browser; the choice follows you to other machines.",
        "桌面提醒和声音需要浏览器授权；选择会跟随你的账号。",
    ),
    "call_emergencies": ("Emergencies", "紧急会话"),
    "call_mine": ("My cases", "我的会话"),
    "call_mentions": ("Mentions of me", "提到我"),
    "call_sound": ("With a sound", "同时播放提示音"),
    "call_away_mail": ("By mail while I am away: reference and subject alone", "离开时发邮件提醒（仅含编号和主题）"),
    "calls_allow": ("Allow notices of the system", "允许桌面提醒"),
    "calls_allowed": ("Notices of the system are allowed here.", "本机已允许桌面提醒。"),
    "calls_denied": (
        "This browser refuses notices of the system; allow them in its settings.",
        "浏览器已禁止桌面提醒，请在浏览器设置中允许。",
    ),
    "calls_save": ("Save", "保存"),
    "strip_dead": (
        "The channel {channel} has had no connection since {at}. It tries again every minute; other channels work.",
        "{channel} 渠道自 {at} 起中断，正在每分钟重试。其他渠道正常。",
    ),
    "strip_look": ("See why", "查看原因"),
    "done_notices": ("All notices are read.", "已全部标为已读。"),
    "done_calls": ("Saved.", "已保存。"),
}

"""The phrases about limits: failed sign-ins, and automatic replies that are held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
LIMIT_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "brake_rests": (
        "Automatic replies of {channel} rest until {at}; {held} were held in 24 hours.",
        "{channel} 的自动回复已暂停，{at} 恢复；24 小时内拦下 {held} 条。",
    ),
    "brake_held": (
        "{held} automatic replies of {channel} were held in 24 hours.",
        "24 小时内 {channel} 有 {held} 条自动回复被拦下。",
    ),
    "mail_refused": (
        "{channel} refused or put off something {number} times in 24 hours:",
        "24 小时内 {channel} 拒绝或推迟 {number} 次：",
    ),
    "refused_bytes": ("too much waiting", "待处理邮件过多"),
    "refused_calls_of_caller": ("calls of callers who are blocked or call too often", "拒接：号码被屏蔽或来电过频"),
    "refused_connections": ("too many connections", "连接过多"),
    "refused_connections_of_address": ("too many connections of one address", "单一地址连接过多"),
    "refused_idle": ("silent clients", "连接空闲超时"),
    "refused_no_mailbox": ("unknown recipients", "收件人不存在"),
    "refused_not_kept": ("could not be stored", "暂时无法保存"),
    "refused_recipients": ("too many recipients", "收件人过多"),
    "refused_slow_message": ("slow mails", "发送过慢"),
    "refused_too_large": ("too large", "邮件过大"),
    "sign_in_waits": (
        "Too many attempts failed. Try again in {seconds} s.",
        "登录失败次数过多，请在 {seconds} 秒后重试。",
    ),
}

"""Phrases of the live desk: its panes, keys and notices, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
LIVE_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "conversation": ("Conversation", "会话"),
    "pane_empty": ("Choose a conversation from the list.", "请从列表中选择会话"),
    "new_arrived": ("{count} new, show", "{count} 个新会话，点击显示"),
    "menu": ("Menu", "菜单"),
    "filters": ("Filters", "筛选条件"),
    "customer_pane": ("Customer", "客户"),
    "session_ended": ("Your session has ended; what you typed is still here.", "登录已过期，已输入的内容还在。"),
    "live_lost": (
        "No connection. The page asks again by itself; what you type stays here.",
        "连接中断，正在自动重连。已输入的内容不会丢失。",
    ),
}

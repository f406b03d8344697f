"""The phrases of every page: navigation, sign-in, themes and errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
DESK_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "theme_auto": ("Theme: as the machine", "主题：跟随系统"),
    "theme_light": ("Theme: light", "主题：浅色"),
    "theme_dark": ("Theme: dark", "主题：深色"),
    "supervisor": ("Overview", "概览"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "skip": ("Skip to content", "跳到正文"),
    "nav": ("Main", "主导航"),
    "inbox": ("Inbox", "收件箱"),
    "quarantine": ("Quarantine", "隔离区"),
    "channels": ("Channels", "渠道"),
    "sign_in": ("Sign in", "登录"),
    "sign_out": ("Sign out", "退出"),
    "token": ("Access token", "访问令牌"),
    "token_hint": (
        "`omniyard up` shows one on its first start; `omniyard agent add` makes more.",
        "首次运行 `omniyard up` 时会显示一个令牌；用 `omniyard agent add` 可以新增。",
    ),
    "token_wrong": ("This token is not in force.", "该令牌无效或已停用。"),
    "signed_in_as": ("{name}, {role}", "{name}（{role}）"),
    "back": ("Back to the inbox", "返回收件箱"),
    "error": ("Something is not right", "出错了"),
    "request_id": ("Request", "请求编号"),
    "switch": ("中文", "English"),
}

"""The phrases of channels and quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
CHANNEL_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "cannot_be_opened": ("It cannot be opened", "无法解密"),
    "reason": ("Reason", "原因"),
    "waiting_since": ("Waiting since", "隔离时间"),
    "discarded": ("Discarded", "已丢弃"),
    "waiting": ("Waiting", "待处理"),
    "size": ("Size", "大小"),
    "quarantine_empty": ("Nothing in quarantine. All mail found its way.", "隔离区为空，所有邮件都已送达。"),
    "quarantine_hint": (
        "Messages that could not be routed. Their bytes are kept. Replay or discard them with `omniyard quarantine`.",
        "无法路由的消息。原始内容完整保留，可用 `omniyard quarantine` 重放或丢弃。",
    ),
    "attempts": ("Attempts", "尝试次数"),
    "last_poll": ("Last good poll", "上次成功收取"),
    "never": ("never", "从未"),
    "routed": ("Routed", "已路由"),
    "duplicate": ("Duplicates", "重复"),
    "received": ("Waiting", "待路由"),
    "quarantined": ("Quarantined", "已隔离"),
    "accepted": ("Accepted", "已接收"),
    "balanced": ("The books balance.", "账目平衡。"),
    "unbalanced": ("The books do not balance: tell whoever runs this desk.", "账目不平衡：请通知系统管理员。"),
    "state": ("State", "状态"),
    "fine": ("fine", "正常"),
}

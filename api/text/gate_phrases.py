"""Phrases of what gates bring: changed messages, files that come later, calls; in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
GATE_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "edited": ("edited by its author", "已被发送者修改"),
    "withdrawn": ("taken back by its author", "已被发送者撤回"),
    "file_awaited": ("being fetched", "正在获取"),
}

"""The phrases about drafts: when they are saved, and what another tab has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
DRAFT_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "draft": ("Draft", "草稿"),
    "draft_save": ("Save draft", "保存草稿"),
    "draft_saving": ("Saving…", "正在保存…"),
    "draft_saved": ("Draft saved {at}", "草稿已保存 {at}"),
    "draft_masked": (
        "Draft saved {at}; what looks like a secret is kept masked",
        "草稿已保存 {at}，疑似敏感信息已脱敏保存",
    ),
    "draft_offline": ("Offline: kept in this tab", "离线，已存在本机"),
    "draft_signed_out": (
        "You are signed out. The text is kept in this tab and is here again after you sign in.",
        "登录已失效。文字已存在本机，重新登录后仍在这里。",
    ),
    "draft_other": ("Another tab had another draft:", "另一个标签页里有不同的草稿："),
    "draft_use_other": ("Use that one", "改用那一份"),
    "text_waits": (
        "Your text was not sent: the session had ended. It waits in the conversation as a draft.",
        "登录已失效，文字尚未发送。登录后会作为草稿回到会话中。",
    ),
}

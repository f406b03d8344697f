"""The phrases about limits: failed sign-ins, and automatic replies that are held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Key: English, Chinese. `{...}` is filled in.
LIMIT_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "sign_in_waits": (
        "Too many attempts failed. Try again in {seconds} s.",
        "登录失败次数过多，请在 {seconds} 秒后重试。",
    ),
}

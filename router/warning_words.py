"""What is said to a customer who sent a password or a one-time code: kindly, and without repeating it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

# What opens an account; a card number alone does not, and is masked without a word.
_OPENS: Final = frozenset({"password", "code"})
_ENGLISH: Final = (
    "One more thing: your message seems to contain a password or a one-time code. We have hidden it. To be safe, "
    "please change it soon, and send it to nobody, not even to us: we never ask for it."
)
_CHINESE: Final = (
    "温馨提示：您的来信中似乎含有密码或验证码，我们已将其隐去。为了您的账户安全，请尽快修改，"
    "并且不要发给任何人，包括我们：我们不会索取。"
)
_TRADITIONAL: Final = (
    "溫馨提示：您的來信中似乎含有密碼或驗證碼，我們已將其隱去。為了您的帳戶安全，請儘快修改，"
    "並且不要傳給任何人，包括我們：我們不會索取。"
)
_HANT: Final = ("zh-hant", "zh-tw", "zh-hk", "zh-mo")


def warning_in_words(secrets: Collection[str], *, language: str) -> str:
    """Return a paragraph of warning; empty when nothing was sent that opens an account.

    secrets: kinds, as `router.masking.mask.Masked` has them.  language: BCP 47 of the reply; all but Chinese gets English.
    """
    if _OPENS.isdisjoint(secrets):
        return ""
    tag = language.lower()
    if not tag.startswith("zh"):
        return _ENGLISH
    return _TRADITIONAL if tag.startswith(_HANT) else _CHINESE

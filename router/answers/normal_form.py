"""The form in which questions are compared; a module without NumPy, for processes that compare none."""

from __future__ import annotations

from router.text.chinese_script import fold_script
from router.text.plain import fold


def normal_form(text: str) -> str:
    """Return a text without differences of case, width and Chinese script."""
    return fold_script(fold(text))

"""What a subject is about, without the prefixes that mail programs put before it.

Source of the prefixes: RFC 5322 section 3.6.5 for "Re:"; the rest as Outlook, Lotus Notes, Foxmail, QQ Mail and others
write them in their languages (the table in Wikipedia's "List of email subject abbreviations", checked against mail).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_PREFIXES: Final = """
    re res fw fwd aw antw antwort wg sv vs vb vl rv enc ref rif r i tr odp pd ynt ilt bls trs atb tl
    απ πρθ σχετ ha на отв пересл רד תגובה הועבר رد
    回复 回覆 答复 答覆 回信 返信 转发 轉寄 轉發 転送 회신 답장 전달
""".split()  # noqa: SIM905  (a table reads better as words)
_NUMBERED: Final = r"(?:\s?[\[(（]?\d{1,3}[\])）]?)?"
_PREFIX: Final = re.compile(
    rf"\s*(?:\[(?:external|ext|外部邮件|外部)\]|(?:{'|'.join(_PREFIXES)}){_NUMBERED}\s*[:：])", re.IGNORECASE
)
_TOKEN: Final = re.compile(r"\[[0-9A-HJKMNP-TV-Z]{9}-[0-9A-F]{10}\]", re.IGNORECASE)
# A subject is not a place for a thousand prefixes; what is left after this many is the subject.
_MOST_PREFIXES: Final = 30


def core_subject(subject: str) -> str:
    """Return the subject without reply and forward prefixes and without our token, folded for comparing."""
    rest = _TOKEN.sub(" ", unicodedata.normalize("NFKC", subject))
    for _ in range(_MOST_PREFIXES):
        match = _PREFIX.match(rest)
        if not match:
            break
        rest = rest[match.end() :]
    return " ".join(rest.split()).casefold()

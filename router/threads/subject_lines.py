"""Compare subjects without what mail programs and lists add to them, and write the subject of an answer.

Source: the base subject of RFC 5256 section 2.1, with the prefixes that Outlook, Lotus Notes, Foxmail, QQ Mail and
others write in their languages (Wikipedia's "List of email subject abbreviations", checked against mail) in addition to
"Re:" and "Fwd:" (RFC 5322 section 3.6.5).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_PREFIXES: Final = """
    re res fwd fw aw antw antwort wg sv vs vb vl rv enc ref rif r i tr odp pd ynt ilt bls trs atb tl
    απ πρθ σχετ ha на отв пересл רד תגובה הועבר رد
    回复 回覆 答复 答覆 回信 返信 转发 轉寄 轉發 転送 회신 답장 전달
""".split()  # noqa: SIM905  (a table reads better as words)
# The prefixes of answers only; those of forwards stay in an answer's subject, because they carry meaning.
_ANSWERS: Final = """
    re res aw antw antwort sv vs ref rif r odp ynt bls απ σχετ ha отв תגובה رد
    回复 回覆 答复 答覆 回信 返信 회신 답장
""".split()  # noqa: SIM905  (a table reads better as words)
# What programs write before the subject that an absence note answers.
_AUTOMATIC: Final = (
    "automatic reply", "auto reply", "auto-reply", "autoreply", "out of office", "out of office autoreply",
    "automatische antwort", "abwesenheitsnotiz", "réponse automatique", "respuesta automática", "resposta automática",
    "risposta automatica", "automatisch antwoord", "自动回复", "自动答复", "自动回覆", "自動回覆", "自動回復",
    "自動答覆", "自動返信", "자동 회신",
)  # fmt: skip
_BLOB: Final = r"\[[^\[\]]{0,200}\]\s*"
_NUMBERED: Final = r"(?:\s?[\[(（]?\d{1,3}[\])）]?)?"
# A leader is a prefix with any blobs before it and one before its colon: "[list] Re [2]:".
_LEADER: Final = re.compile(
    rf"\A\s*(?:{_BLOB}){{0,4}}(?:{'|'.join((*_PREFIXES, *_AUTOMATIC))}){_NUMBERED}\s*(?:{_BLOB})?[:：]", re.IGNORECASE
)
_ANSWER_LEADER: Final = re.compile(rf"\A\s*(?:{'|'.join(_ANSWERS)}){_NUMBERED}\s*[:：]\s*", re.IGNORECASE)
_AUTOMATIC_LEADER: Final = re.compile(rf"\A\s*(?:{'|'.join(_AUTOMATIC)})\s*[:：]", re.IGNORECASE)
_LIST_NAME: Final = re.compile(rf"\A\s*{_BLOB}(?=\S)")
_TRAILER: Final = re.compile(r"\s*\(fwd\)\s*$", re.IGNORECASE)
_FORWARDED: Final = re.compile(r"\s*\[fwd:(.*)\]\s*$", re.IGNORECASE | re.DOTALL)
_SUBJECT_TOKEN: Final = re.compile(r"\[[0-9A-HJKMNP-TV-Z]{9}-[0-9A-F]{10}\]", re.IGNORECASE)
# Every prefix, list name or trailer contains one of these; most subjects contain none.
_HAS_LAYERS: Final = re.compile(r"[\[(:：]")
# No real subject has so many prefixes; any more are read as part of the subject.
_MOST_PEELINGS: Final = 100
_LONGEST: Final = 1000


def answer_subject(subject: str, *, token: str) -> str:
    """Return the subject of an answer: one "Re:" and one token, however many the customer's subject has."""
    rest = " ".join(_SUBJECT_TOKEN.sub(" ", subject[:_LONGEST]).split())
    for _ in range(_MOST_PEELINGS if _HAS_LAYERS.search(rest) else 0):
        peeled = _ANSWER_LEADER.sub("", rest, count=1)
        if peeled == rest:
            break
        rest = peeled
    return " ".join(filter(None, ("Re:", rest, f"[{token}]")))


def is_answer_subject(subject: str) -> bool:
    """Return whether the subject begins like that of an answer, maybe behind our token or a list's name."""
    return _ANSWER_LEADER.match(_LIST_NAME.sub("", subject[:_LONGEST], count=1)) is not None


def is_reply_subject(subject: str) -> bool:
    """Return whether a person's answer or an absence note has such a subject."""
    return is_answer_subject(subject) or _AUTOMATIC_LEADER.match(subject[:_LONGEST]) is not None


def core_subject(subject: str) -> str:
    """Return the subject without reply and forward marks, list names and our token, folded for comparing."""
    rest = _SUBJECT_TOKEN.sub(" ", unicodedata.normalize("NFKC", subject[:_LONGEST]))
    for _ in range(_MOST_PEELINGS if _HAS_LAYERS.search(rest) else 0):
        peeled = _peel(rest)
        if peeled == rest:
            break
        rest = peeled
    return " ".join(rest.split()).casefold()


def _peel(subject: str) -> str:
    """Remove one layer: steps 2 to 6 of RFC 5256 section 2.1."""
    forwarded = _FORWARDED.match(subject)
    if forwarded:
        return forwarded[1]
    return _LIST_NAME.sub("", _LEADER.sub("", _TRAILER.sub("", subject), count=1), count=1)

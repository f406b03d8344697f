"""Mails about a chat: the lines that a visitor who has gone did not read, and the transcript that a visitor asked for.

They leave by a mail channel of the desk. An answer to one joins the conversation, because we wrote to its sender.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.engine import Connection

from router.settings import Settings
from router.threads.correlation import make_message_id, make_token
from router.threads.subject_lines import answer_subject
from store.chat.line_log import ChatLine
from store.chat.mail import MailedCase, case_for_mail, lines_up_to, note_mailed
from store.chat.visitor_sessions import ChatSession
from store.db.bulk import insert_new
from store.db.engine import read_clock
from store.db.ids import new_id
from store.db.keys import desk_key
from store.tables.chat import LineKind
from store.tables.messages import ThreadKeyRow, digest
from store.tables.operations import OutboundRow, OutboundState

# The `kind` of these rows of the ledger: no agent wrote them, and they answer nothing.
CHAT_MAIL: Final = "chat_mail"
# Key: English, Chinese.
_WORDS: Final = {
    "subject": ("Your chat with {desk}", "您与{desk}的聊天"),
    "unseen": (
        "You left our chat before you had read this:",
        "您离开聊天后，我们有以下回复：",
    ),
    "transcript": ("Your chat:", "您的聊天记录："),
    "answer": (
        "You can answer this mail; your answer joins the chat.",
        "您可以直接回复此邮件，回复会并入本次聊天。",
    ),
    "you": ("You", "您"),
}


class ChatMailer:
    """Queues mails about chats, in the caller's transaction."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._key = desk_key(settings, purpose="thread tokens")

    def send_unseen(self, connection: Connection, session: ChatSession) -> bool:
        """Queue one mail with all lines of ours that the visitor has not read; return whether there is one."""
        since = max(session.seen_seq, session.mailed_seq)
        lines = [each for each in lines_up_to(connection, session, after=since) if each.kind == LineKind.AGENT]
        queued = bool(lines) and self._queue(connection, session, lines, what="unseen", key=f"{lines[-1].seq}")
        if queued:
            note_mailed(connection, session, up_to=lines[-1].seq)
        return queued

    def send_transcript(self, connection: Connection, session: ChatSession) -> bool:
        """Queue a mail with all lines; return whether one can be sent. Asking again for the same lines sends none."""
        lines = [each for each in lines_up_to(connection, session, after=0) if each.kind != LineKind.NOTICE]
        return bool(lines) and self._queue(connection, session, lines, what="transcript", key=f"all-{session.last_seq}")

    def _queue(
        self, connection: Connection, session: ChatSession, lines: Sequence[ChatLine], *, what: str, key: str
    ) -> bool:  # fmt: skip
        page = self._settings.channels[session.channel].chat_page
        mail = self._settings.channels.get(page.mail or "") if page else None
        case = case_for_mail(connection, session.conversation_id) if session.conversation_id else None
        if mail is None or not mail.sends_mail or case is None or not session.email or page is None:
            return False
        outbound_id, now, address = new_id(), read_clock(connection), mail.address or ""
        token = make_token(self._key, reference=case.reference, contact_id=case.contact_id)
        rfc_message_id = make_message_id(token, outbound_id=outbound_id, sender=address)
        desk = self._settings.omniyard.name_in(session.language)
        subject = self._say("subject", session.language).format(desk=desk)
        row = self._row(case, now=now) | {
            "id": outbound_id,
            "dedupe_key": f"chat:{session.id}:{what}:{key}:{session.email}",
            "channel": page.mail,
            "recipient": session.email,
            "sender_name": desk,
            "subject": answer_subject(subject, token=token),
            "text": self._text(lines, what=what, language=session.language),
            "rfc_message_id": rfc_message_id,
        }
        if not insert_new(connection, OutboundRow, rows=[row]):
            return True
        known = {"digest": digest(rfc_message_id), "conversation_id": case.id, "own": True}
        insert_new(connection, ThreadKeyRow, rows=[known])
        return True

    def _row(self, case: MailedCase, *, now: datetime) -> dict[str, object]:
        return {
            "conversation_id": case.id,
            "kind": CHAT_MAIL,
            "copies": None,
            "in_reply_to": None,
            "ancestors": None,
            "template": None,
            "variables": None,
            "author": "",
            "state": OutboundState.QUEUED,
            "created_at": now,
            "due_at": now,
            "dated_at": now,
            "attempts": 0,
        }

    def _text(self, lines: Sequence[ChatLine], *, what: str, language: str) -> str:
        desk, you = self._settings.omniyard.name_in(language), self._say("you", language)
        said = [f"{you if each.kind == LineKind.VISITOR else each.author or desk}: {_line(each)}" for each in lines]
        parts = (self._say(what, language), *said, self._say("answer", language), desk)
        return "\n\n".join(parts) + "\n"

    def _say(self, key: str, language: str) -> str:
        english, chinese = _WORDS[key]
        return chinese if language.startswith("zh") else english


def _line(line: ChatLine) -> str:
    files = ", ".join(str(each.get("name", "")) for each in line.files)
    return " ".join(filter(None, (line.text, f"[{files}]" if files else "")))

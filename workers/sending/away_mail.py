"""Mails to agents who are away: that a case of theirs, or a note that names them, waits. Never a customer's words.

An agent asks for them on the page of notices. At most one mail per conversation and hour.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy.engine import Connection

from router.settings import Settings
from store.db.engine import read_clock
from store.db.ids import new_id
from store.desk.access.away_notices import AgentMail, AwayNotice, queue_agent_mail, waiting_for_away
from store.tables.agents import AgentNoticeKind

_QUIET: Final = timedelta(hours=1)
# Kind of notice: English, Chinese.
_WORDS: Final = {
    AgentNoticeKind.MENTIONED: ("You are named in a note of this case.", "有内部备注提到了你。"),
    AgentNoticeKind.ASSIGNED: ("This case was assigned to you.", "此会话已分配给你。"),
    AgentNoticeKind.ANSWERED: ("The customer of your case has written.", "你的会话有新的客户消息。"),
}
_EMERGENCY: Final = ("It is an emergency.", "这是紧急会话。")
_WHY: Final = (
    "You get this because you are away and asked for mail. Do not answer it; sign in to the desk.",
    "你处于离开状态并开启了邮件提醒。请勿回复此邮件，请登录系统处理。",
)


class AwayMailer:
    """A step of the publisher, after that of the notices; see `workers.chores.publish_events.Step`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        known = settings.channels.items()
        self._channel = next((name for name, channel in known if channel.enabled and channel.sends_mail), None)

    def __call__(self, connection: Connection, after: int) -> int:
        """Queue the mails about the new notices. after: the number before the first new event."""
        if self._channel is None:
            return 0
        now = read_clock(connection)
        for notice in list(waiting_for_away(connection, after=after, kinds=tuple(_WORDS), now=now)):
            mail = self._mail(notice, channel=self._channel)
            queue_agent_mail(connection, notice, mail, now=now, quiet_since=now - _QUIET)
        return 0

    def _mail(self, notice: AwayNotice, *, channel: str) -> AgentMail:
        desk, mail_id = self._settings.omniyard, new_id()
        name = desk.name_in(notice.language)
        domain = (self._settings.channels[channel].address or "").rpartition("@")[2] or "localhost"
        link = f"{desk.public_url}/conversations/{notice.reference}" if desk.public_url else ""
        place = 1 if notice.language.startswith("zh") else 0
        said = [_WORDS[AgentNoticeKind(notice.kind)][place], *([_EMERGENCY[place]] if notice.emergency else [])]
        text = "\n\n".join(filter(None, (" ".join(said), notice.reference, link, _WHY[place])))
        return AgentMail(
            id=mail_id,
            channel=channel,
            sender_name=name,
            subject=f"[{name}] {notice.reference} {notice.subject}".strip(),
            text=f"{text}\n",
            # Without a conversation's token, so that a bounce of this mail reopens no case.
            rfc_message_id=f"<away.{mail_id.hex}@{domain}>",
        )

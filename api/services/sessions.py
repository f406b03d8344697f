"""Sessions of the web desk: a signed cookie names the agent and the session; it ends when idle or old.

The signature covers the agent's seal (token, role, epoch), so a new token or role ends every session. A session that
its agent ended is a row, which is read together with the agent (`store.desk.agents.find_by_session`).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from store.desk.agents import AgentRecord

# A support desk is a shared room, so an unattended screen must not stay signed in.
IDLE: Final = timedelta(minutes=30)
LONGEST: Final = timedelta(hours=12)
# Without this, every response would set a cookie.
_RENEW_AFTER: Final = timedelta(minutes=2)
_COOKIE: Final = re.compile(r"([0-9a-f]{32})\.(\d{1,11})\.(\d{1,11})\.([0-9a-f]{32})\.([0-9a-f]{64})", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignedSession:
    """The content of a cookie; do not trust it before `Sessions.holds` has checked it."""

    agent_id: UUID
    born_at: datetime
    seen_at: datetime
    id: UUID
    proof: str


@dataclass(frozen=True, slots=True, repr=False)
class Sessions:
    """Makes and checks session cookies. key: at least 256 bits, the same in every web process of a desk."""

    key: bytes

    def begin(self, agent: AgentRecord, *, now: datetime) -> str:
        """Return the cookie of a new session."""
        return self._write(SignedSession(agent.id, now, now, uuid4(), ""), agent=agent)

    def read(self, cookie: str) -> SignedSession | None:
        """Return the content of the cookie, or None if it does not have our format."""
        form = _COOKIE.fullmatch(cookie)
        if form is None:
            return None
        born_at, seen_at = (datetime.fromtimestamp(int(form.group(number)), UTC) for number in (2, 3))
        return SignedSession(UUID(hex=form.group(1)), born_at, seen_at, UUID(hex=form.group(4)), form.group(5))

    def holds(self, session: SignedSession, *, agent: AgentRecord, now: datetime) -> bool:
        """Return whether we signed the cookie for this agent and token, and it is neither idle nor old."""
        expected = self._proof(session, agent=agent)
        is_ours = hmac.compare_digest(expected, session.proof)
        return is_ours and now - session.seen_at < IDLE and now - session.born_at < LONGEST

    def renewed(self, session: SignedSession, *, agent: AgentRecord, now: datetime) -> str | None:
        """Return a cookie with the new time of last use, or None while the old cookie is recent enough."""
        if now - session.seen_at < _RENEW_AFTER:
            return None
        return self._write(replace(session, seen_at=now), agent=agent)

    def _write(self, session: SignedSession, *, agent: AgentRecord) -> str:
        return f"{_signed_part(session)}.{self._proof(session, agent=agent)}"

    def _proof(self, session: SignedSession, *, agent: AgentRecord) -> str:
        signed = f"session.{_signed_part(session)}.{agent.seal}"
        return hmac.new(self.key, signed.encode(), hashlib.sha256).hexdigest()


def _signed_part(session: SignedSession) -> str:
    born, seen = int(session.born_at.timestamp()), int(session.seen_at.timestamp())
    return f"{session.agent_id.hex}.{born}.{seen}.{session.id.hex}"

"""`[desk]`: how agents' answers leave."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from pydantic import Field, field_validator

from router.settings.oidc import OidcSettings
from router.settings.values import Duration, Frozen, Switch

_LONGEST_UNDO: Final = timedelta(minutes=1)


class AgentAnswerSettings(Frozen):
    """`[desk]`: how agents' answers leave.

    oidc: the provider at which agents sign in; if absent, there is none.
    undo_send: how long an answer of an agent's page waits before it leaves, so that it can be taken back; "0s" for at
        once. Notes and chat lines never wait.
    quote_below: whether the customer's message stands below an answer by mail, unless its agent says otherwise.
    from_name: the name next to our address in agents' mail, with {agent}, {team} and {desk}.
    """

    undo_send: Duration = timedelta(seconds=8)
    quote_below: Switch = True
    from_name: str = Field(default="{desk}", max_length=200)
    oidc: OidcSettings | None = None

    @field_validator("undo_send")
    @classmethod
    def _is_short(cls, value: timedelta) -> timedelta:
        if value > _LONGEST_UNDO:
            raise ValueError('expected at most "1m"; "0s" switches it off')
        return value

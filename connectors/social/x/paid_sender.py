"""What both senders of X have in common, of direct messages and public answers: each costs, within a day's budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from typing import Generic, TypeVar

from connectors.base import utc_now
from connectors.sender_contract import Receipt
from connectors.social.x.budget import Spent
from connectors.social.x.client import XApi
from connectors.social.x.receipts import send_to_x, too_dear
from router.delivery import Window
from router.settings.channels.x import XAccountSettings

_Settings = TypeVar("_Settings", bound=XAccountSettings)


class PaidSender(Generic[_Settings]):
    """The parts of a `Sender` that do not depend on what is sent. settings: of the channel."""

    repeatable = False

    def __init__(self, channel: str, settings: _Settings, *, clock: Callable[[], datetime] = utc_now) -> None:
        self.channel, self._settings, self._clock = channel, settings, clock
        self._spent = Spent(clock().date())

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return self._settings.window

    def close(self) -> None:
        """See `Sender`. Nothing is kept open."""

    def _send_once(
        self,
        send: Callable[[XApi], Mapping[str, object]],
        *,
        forbidden: str,
        read: Callable[[Mapping[str, object]], Receipt],
    ) -> Receipt:
        """Return the receipt of one attempt, or of a budget that does not allow it.

        forbidden: what a 403 means for the agent.  read: makes the receipt of X's answer.
        """
        now = self._clock()
        self._spent = self._spent.on(now)
        if refused := too_dear(self._settings, self._spent, now=now):
            return refused
        # A new connection: an idle one may break during the request, with an unknown outcome.
        with closing(XApi(self._settings)) as api:
            answer = send_to_x(lambda: send(api), forbidden=forbidden)
        if isinstance(answer, Receipt):
            return answer
        self._spent = self._spent.plus(self._settings.send_price)
        return read(answer)

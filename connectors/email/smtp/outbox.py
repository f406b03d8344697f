"""Keep mail instead of sending it: for a desk that has no mail server yet. Its rows are shown by the page `/outbox`."""

from __future__ import annotations

from datetime import datetime

from connectors.base import Health, Outgoing, Receipt, SendVerdict
from connectors.email.smtp.compose import compose
from router.delivery import Window
from router.errors import PermanentError
from router.settings.channels import MailSendSettings


class OutboxSender:
    """See `Sender`. It refuses what a mail server would get in a wrong form, so that a trial shows that too."""

    repeatable = True

    def __init__(self, channel: str, settings: MailSendSettings, *, address: str, name: str) -> None:
        self.channel = channel
        self._settings, self._address, self._name = settings, address, name

    def window(self, recipient: str) -> Window:
        """See `Sender`."""
        del recipient
        return self._settings.window_within(None)

    def send(self, outgoing: Outgoing) -> Receipt:
        """See `Sender`: the row in the ledger is all that there is of the mail."""
        try:
            compose(outgoing, address=self._address, name=self._name, reply_to="")
        except PermanentError as error:
            return Receipt(verdict=SendVerdict.REFUSED, why=str(error))
        return Receipt(verdict=SendVerdict.ACCEPTED)

    def reconcile(self, outgoing: Outgoing, *, since: datetime) -> Receipt | None:
        """See `Sender`: no attempt is without an answer."""
        del outgoing, since
        return None

    def probe(self) -> Health:
        """See `Sender`."""
        return Health(ok=True, findings=("no mail server is set: replies stay in the outbox of the desk, none leaves",))

    def close(self) -> None:
        """See `Sender`: nothing is open."""

"""The demo's Twilio, checked against the published description, and the forms that it would post."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from cli.demo.twilio import ACCOUNT, CUSTOMER, NUMBER, TOKEN, DemoTwilio, error
from tests.fakes import contract, overlay
from tests.fakes.server import DemoAnswer, DemoRequest

__all__ = ["ACCOUNT", "CUSTOMER", "NUMBER", "TOKEN", "FakeTwilio", "error"]

_MEDIA = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages"


class FakeTwilio(DemoTwilio):
    """contract: None where the descriptions do not exist."""

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.contract = contract.load("twilio_api_v2010_messages_media_numbers_calls.json", overlay=overlay.twilio)
        super().__init__(clock=clock)

    def check(self, asked: DemoRequest, answer: DemoAnswer) -> None:
        if self.contract is None or asked.path.startswith("/files/") or answer.status in range(300, 400):
            return
        form = asked.form if asked.method == "POST" else None
        self.contract.request(asked.method, asked.path, query=asked.query, form=form, json_body=None)
        self.contract.reply(asked.method, asked.path, status=answer.status, document=answer.document)

    def webhook_form(self, sid: str) -> dict[str, str]:
        """Return the form with which Twilio reports a message."""
        record = next(each for each in self.messages if each["sid"] == sid)
        form = {
            "ToCountry": "US", "ToState": "", "SmsMessageSid": sid, "NumMedia": record["num_media"], "ToCity": "",
            "FromZip": "", "SmsSid": sid, "FromState": "", "SmsStatus": "received", "FromCity": "",
            "Body": record["body"], "FromCountry": "CN", "To": record["to"], "ToZip": "", "NumSegments": "1",
            "MessageSid": sid, "AccountSid": ACCOUNT, "From": record["from"], "ApiVersion": "2010-04-01",
        }  # fmt: skip
        for number, media in enumerate(self.media.get(sid, ())):
            form[f"MediaUrl{number}"] = f"{_MEDIA}/{sid}/Media/{media.sid}"
            form[f"MediaContentType{number}"] = media.content_type
        return form

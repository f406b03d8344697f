"""The demo's Twilio with calls, checked against the published description, and the requests that it would send."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from cli.demo.twilio_voice import ACCOUNT, NUMBER, TOKEN, DemoTwilioVoice, number_record, tone
from connectors.base import WebhookRequest
from tests.fakes import contract, overlay
from tests.fakes.server import DemoAnswer, DemoRequest

__all__ = ["ACCOUNT", "CALLER", "NUMBER", "TOKEN", "FakeTwilioVoice", "number_record", "signed", "tone"]

CALLER = "+8613800138000"
SID = "CA" + "1" * 32
ADDRESS = "https://desk.example/voice/hotline"


class FakeTwilioVoice(DemoTwilioVoice):
    """contract: None where the descriptions do not exist."""

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.contract = contract.load("twilio_api_v2010_voice_extra.json", overlay=overlay.twilio_voice)
        super().__init__(clock=clock)

    def check(self, asked: DemoRequest, answer: DemoAnswer) -> None:
        if self.contract is None or asked.path.endswith(".mp3"):
            return
        self.contract.request(asked.method, asked.path, query=asked.query, form=None, json_body=None)
        self.contract.reply(asked.method, asked.path, status=answer.status, document=answer.document)


def signed(
    query: str = "", *, sid: str = SID, token: str = TOKEN, address: str = ADDRESS, **fields: str
) -> WebhookRequest:
    """Return Twilio's request for a step of a call. query: of the URL.  fields: over the usual ones."""
    form = {
        "AccountSid": ACCOUNT, "CallSid": sid, "CallStatus": "in-progress", "Direction": "inbound",
        "From": CALLER, "To": NUMBER, "ApiVersion": "2010-04-01",
    } | fields  # fmt: skip
    url = address + (f"?{query}" if query else "")
    signature = RequestValidator(token).compute_signature(url, form)
    headers = {"x-twilio-signature": signature, "content-type": "application/x-www-form-urlencoded"}
    return WebhookRequest(body=urlencode(form).encode(), headers=headers, query=query)

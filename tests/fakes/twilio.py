"""A Twilio that remembers: numbers, messages newest first in pages, files behind a redirect, and sends that walk on."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from tests.fakes import contract, overlay
from tests.fakes.server import Answer, Asked, FakeServer

ACCOUNT = "AC" + "a" * 32
TOKEN = "t" * 32
NUMBER = "+15005550006"
CUSTOMER = "+8613800138000"
_ROOT = f"/2010-04-01/Accounts/{ACCOUNT}"


def error(status: int, code: int, message: str = "no") -> Answer:
    """Return an error as Twilio writes one."""
    info = f"https://www.twilio.com/docs/errors/{code}"
    return Answer(status, {"code": code, "message": message, "more_info": info, "status": status})


@dataclass
class Media:
    sid: str
    content: bytes
    content_type: str = "image/jpeg"
    location: str = ""


class FakeTwilio(FakeServer):
    """clock: what is now at Twilio."""

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.contract = contract.load("twilio_api_v2010_messages_media_numbers_calls.json", overlay=overlay.twilio)
        self.clock = clock
        self.messages: list[dict[str, Any]] = []
        self.media: dict[str, list[Media]] = {}
        self.numbers = [NUMBER]
        self.status = "active"
        self.endless = False
        self.blocked: set[tuple[str, str]] = set()
        self.leaked: list[str] = []
        self._sids = itertools.count(1)
        super().__init__()

    # What a test does at the provider.

    def receive(
        self,
        body: str,
        *,
        at: datetime | None = None,
        sent: datetime | None = None,
        sender: str = CUSTOMER,
        to: str = NUMBER,
        files: tuple[bytes, ...] = (),
        **over: Any,
    ) -> str:
        """Let a customer write; return the SID. at: when it is created.  sent: what `date_sent` says."""
        sid = self._sid("MM" if files else "SM")
        at = at or self.clock()
        media = [Media(self._sid("ME"), content) for content in files]
        self.media[sid] = media
        record = self._record(sid, body=body, sender=sender, to=to, direction="inbound", status="received", at=at)
        record["num_media"] = str(len(files))
        record["date_sent"] = format_datetime((sent or at).astimezone(UTC))
        self.messages.append(record | over)
        return sid

    def webhook_form(self, sid: str) -> dict[str, str]:
        """Return the form with which Twilio tells of a message."""
        record = next(each for each in self.messages if each["sid"] == sid)
        form = {
            "ToCountry": "US", "ToState": "", "SmsMessageSid": sid, "NumMedia": record["num_media"], "ToCity": "",
            "FromZip": "", "SmsSid": sid, "FromState": "", "SmsStatus": "received", "FromCity": "",
            "Body": record["body"], "FromCountry": "CN", "To": record["to"], "ToZip": "", "NumSegments": "1",
            "MessageSid": sid, "AccountSid": ACCOUNT, "From": record["from"], "ApiVersion": "2010-04-01",
        }  # fmt: skip
        for number, media in enumerate(self.media.get(sid, ())):
            form[f"MediaUrl{number}"] = f"https://api.twilio.com{_ROOT}/Messages/{sid}/Media/{media.sid}"
            form[f"MediaContentType{number}"] = media.content_type
        return form

    # The provider.

    def answer(self, asked: Asked) -> Answer:
        if asked.path.startswith("/files/"):
            return self._file(asked)
        expected = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if asked.headers.get("Authorization") != expected:
            return error(401, 20003, "Authenticate")
        if asked.path == f"{_ROOT}.json":
            return Answer(document=self._account())
        if asked.path == f"{_ROOT}/IncomingPhoneNumbers.json":
            return Answer(document=self._own_numbers(asked.params.get("PhoneNumber")))
        if asked.path == f"{_ROOT}/Messages.json":
            return self._send(asked) if asked.method == "POST" else Answer(document=self._list(asked))
        if asked.path.startswith(f"{_ROOT}/Messages/"):
            return self._one(asked)
        return error(404, 20404, "not found")

    def check(self, asked: Asked, answer: Answer) -> None:
        if self.contract is None or asked.path.startswith("/files/") or answer.status in range(300, 400):
            return
        form = asked.form if asked.method == "POST" else None
        self.contract.request(asked.method, asked.path, query=asked.query, form=form, json_body=None)
        self.contract.reply(asked.method, asked.path, status=answer.status, document=answer.document)

    def _sid(self, prefix: str) -> str:
        return f"{prefix}{next(self._sids):032x}"

    def _record(
        self, sid: str, *, body: str, sender: str | None, to: str, direction: str, status: str, at: datetime
    ) -> dict[str, Any]:
        created = format_datetime(at.astimezone(UTC))
        return {
            "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": body, "date_created": created,
            "date_sent": created, "date_updated": created, "direction": direction, "error_code": None,
            "error_message": None, "from": sender, "messaging_service_sid": None, "num_media": "0",
            "num_segments": "1", "price": None, "price_unit": "USD", "sid": sid, "status": status,
            "subresource_uris": {"media": f"{_ROOT}/Messages/{sid}/Media.json"}, "to": to,
            "uri": f"{_ROOT}/Messages/{sid}.json",
        }  # fmt: skip

    def _list(self, asked: Asked) -> dict[str, Any]:
        params = asked.params
        wanted = [each for each in self.messages if self._matches(each, params)]
        wanted.sort(key=lambda each: _at(each["date_sent"]), reverse=True)
        size, page = int(params.get("PageSize", "50")), int(params.get("Page", "0"))
        shown = wanted[page * size : (page + 1) * size] if not self.endless else wanted[:size]
        more = self.endless or len(wanted) > (page + 1) * size
        query = "&".join(
            f"{key}={value.replace('+', '%2B')}" for key, value in params.items() if key not in {"Page", "PageToken"}
        )
        here = f"{_ROOT}/Messages.json?{query}"
        return {
            "messages": shown, "page": page, "page_size": size, "start": page * size, "end": page * size + len(shown),
            "first_page_uri": f"{here}&Page=0", "uri": here, "previous_page_uri": "",
            "next_page_uri": f"{here}&Page={page + 1}&PageToken=PA{page}" if more else None,
        }  # fmt: skip

    def _matches(self, record: dict[str, Any], params: dict[str, str]) -> bool:
        if "To" in params and record["to"] != params["To"]:
            return False
        if "From" in params and record["from"] != params["From"]:
            return False
        day = _at(record["date_sent"]).date().isoformat()
        return (
            params.get("DateSent", day)[:10] == day
            and day >= params.get("DateSent>", day)[:10]
            and day <= params.get("DateSent<", day)[:10]
        )

    def _send(self, asked: Asked) -> Answer:
        form = asked.form
        sender, to = form.get("From") or form.get("MessagingServiceSid"), form.get("To")
        if not to:
            return error(400, 21604, "The 'To' number is required.")
        if (sender, to) in self.blocked:
            return error(400, 21610, "Attempt to send to unsubscribed recipient")
        if sender not in self.numbers and not str(sender).startswith("whatsapp:"):
            return error(400, 21606, "not your number")
        sid = self._sid("SM")
        record = self._record(
            sid, body=form.get("Body", ""), sender=sender, to=to, direction="outbound-api", status="queued",
            at=self.clock(),
        )  # fmt: skip
        self.messages.append(record)
        return Answer(201, record)

    def _one(self, asked: Asked) -> Answer:
        sid, _, rest = asked.path.removeprefix(f"{_ROOT}/Messages/").partition("/")
        sid = sid.removesuffix(".json")
        record = next((each for each in self.messages if each["sid"] == sid), None)
        if record is None:
            return error(404, 20404, "not found")
        if not rest and asked.path.endswith("Media.json") is False:
            return Answer(document=record)
        if rest == "Media.json":
            return Answer(document=self._media_list(sid))
        media = next((each for each in self.media.get(sid, ()) if rest.endswith(each.sid)), None)
        if media is None:
            return error(404, 20404, "not found")
        # Another host than the one that was asked: credentials must not go there.
        location = media.location or f"http://localhost:{self.port}/files/{media.sid}"
        return Answer(307, headers={"Location": location})

    def _file(self, asked: Asked) -> Answer:
        if "Authorization" in asked.headers:
            self.leaked.append(asked.path)
        sid = asked.path.rpartition("/")[2]
        media = next(each for every in self.media.values() for each in every if each.sid == sid)
        return Answer(content=media.content, headers={"Content-Type": media.content_type})

    def _media_list(self, sid: str) -> dict[str, Any]:
        created = format_datetime(self.clock().astimezone(UTC))
        listed = [
            {
                "sid": each.sid, "account_sid": ACCOUNT, "parent_sid": sid, "content_type": each.content_type,
                "date_created": created, "date_updated": created,
                "uri": f"{_ROOT}/Messages/{sid}/Media/{each.sid}.json",
            }
            for each in self.media.get(sid, ())
        ]  # fmt: skip
        here = f"{_ROOT}/Messages/{sid}/Media.json"
        return {
            "media_list": listed, "page": 0, "page_size": 50, "start": 0, "end": len(listed), "first_page_uri": here,
            "uri": here, "previous_page_uri": "", "next_page_uri": None,
        }  # fmt: skip

    def _account(self) -> dict[str, Any]:
        created = format_datetime(datetime(2026, 1, 1, tzinfo=UTC))
        return {
            "sid": ACCOUNT, "status": self.status, "type": "Full", "friendly_name": "wallet", "date_created": created,
            "date_updated": created, "auth_token": None, "owner_account_sid": ACCOUNT, "uri": f"{_ROOT}.json",
            "subresource_uris": {},
        }  # fmt: skip

    def _own_numbers(self, wanted: str | None) -> dict[str, Any]:
        numbers = [
            {"sid": "PN" + "b" * 32, "account_sid": ACCOUNT, "phone_number": each}
            for each in self.numbers
            if wanted in {None, each}
        ]
        here = f"{_ROOT}/IncomingPhoneNumbers.json"
        return {
            "incoming_phone_numbers": numbers, "page": 0, "page_size": 50, "start": 0, "end": len(numbers),
            "first_page_uri": here, "uri": here, "previous_page_uri": "", "next_page_uri": None,
        }  # fmt: skip


def _at(value: str | None) -> datetime:
    return parsedate_to_datetime(value) if value else datetime(1970, 1, 1, tzinfo=UTC)

"""A simulated Twilio with state: numbers, messages newest first in pages, files behind a redirect, messages sent."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, Final
from urllib.parse import quote

from cli.demo.provider import DemoAnswer, DemoRequest, Json, Provider
from connectors.base import utc_now

ACCOUNT: Final = "AC" + "a" * 32
TOKEN: Final = "t" * 32
NUMBER: Final = "+15005550006"
CUSTOMER: Final = "+8613800138000"
_ROOT: Final = f"/2010-04-01/Accounts/{ACCOUNT}"


def error(status: int, code: int, message: str = "no") -> DemoAnswer:
    """Return an error in Twilio's form."""
    info = f"https://www.twilio.com/docs/errors/{code}"
    return DemoAnswer(status, {"code": code, "message": message, "more_info": info, "status": status})


@dataclass(slots=True)
class Media:
    """One file of a message. location: the redirect's target, if not the provider's other host."""

    sid: str
    content: bytes
    content_type: str = "image/jpeg"
    location: str = ""


class DemoTwilio(Provider):
    """See the module. endless: page links never end.  blocked: who stopped whom.  leaked: where credentials were sent.

    first: number of the first SID; two providers of one desk need different ones.
    """

    def __init__(self, *, clock: Callable[[], datetime] = utc_now, port: int = 0, first: int = 1) -> None:
        self.clock = clock
        self.messages: list[Json] = []
        self.media: dict[str, list[Media]] = {}
        self.numbers = [NUMBER]
        self.status = "active"
        self.endless = False
        self.blocked: set[tuple[str | None, str]] = set()
        self.leaked: list[str] = []
        self._sids = itertools.count(first)
        super().__init__(port=port)

    def receive(
        self,
        body: str,
        *,
        at: datetime | None = None,
        sent: datetime | None = None,
        sender: str = CUSTOMER,
        to: str = NUMBER,
        files: tuple[bytes, ...] = (),
        **over: Any,  # noqa: ANN401  (fields of the record)
    ) -> str:
        """Send a message as a customer; return the SID. at: when it is created.  sent: the value of `date_sent`."""
        at = at or self.clock()
        with self.lock:
            sid = self._sid("MM" if files else "SM")
            self.media[sid] = [Media(self._sid("ME"), content) for content in files]
            record = _record(sid, body=body, sender=sender, to=to, direction="inbound", at=at)
            record |= {"num_media": str(len(files)), "date_sent": format_datetime((sent or at).astimezone(UTC))}
            self.messages.append(record | over)
        return sid

    def answer(self, asked: DemoRequest) -> DemoAnswer:
        """See `Provider`."""
        if asked.path.startswith("/files/"):
            return self._file(asked)
        expected = "Basic " + base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        if asked.headers.get("Authorization") != expected:
            return error(401, 20003, "Authenticate")
        if asked.path == f"{_ROOT}.json":
            return DemoAnswer(document=account_record(ACCOUNT, status=self.status))
        if asked.path == f"{_ROOT}/IncomingPhoneNumbers.json":
            wanted = asked.params.get("PhoneNumber")
            return DemoAnswer(document=_numbers([each for each in self.numbers if wanted in {None, each}]))
        if asked.path == f"{_ROOT}/Messages.json":
            return self._send(asked) if asked.method == "POST" else DemoAnswer(document=self._list(asked))
        return self._one(asked)

    def _sid(self, prefix: str) -> str:
        return f"{prefix}{next(self._sids):032x}"

    def _list(self, asked: DemoRequest) -> Json:
        params = asked.params
        wanted = [each for each in self.messages if _matches(each, params)]
        wanted.sort(key=lambda each: _at(each["date_sent"]), reverse=True)
        size, page = int(params.get("PageSize", "50")), int(params.get("Page", "0"))
        shown = wanted[:size] if self.endless else wanted[page * size : (page + 1) * size]
        more = self.endless or len(wanted) > (page + 1) * size
        kept = {key: value for key, value in params.items() if key not in {"Page", "PageToken"}}
        here = f"{_ROOT}/Messages.json?" + "&".join(f"{key}={quote(value)}" for key, value in kept.items())
        following = f"{here}&Page={page + 1}&PageToken=PA{page}" if more else None
        return {"messages": shown, **_page(here, len(shown), size=size, page=page, following=following)}

    def _send(self, asked: DemoRequest) -> DemoAnswer:
        form = asked.form
        sender, to = form.get("From") or form.get("MessagingServiceSid"), form.get("To")
        if not to:
            return error(400, 21604, "The 'To' number is required.")
        if (sender, to) in self.blocked:
            return error(400, 21610, "Attempt to send to unsubscribed recipient")
        if sender not in self.numbers and not str(sender).startswith("whatsapp:"):
            return error(400, 21606, "not your number")
        body, sid = form.get("Body", ""), self._sid("SM")
        record = _record(sid, body=body, sender=sender, to=to, direction="outbound-api", at=self.clock())
        self.messages.append(record)
        self.left(to, body)
        return DemoAnswer(201, record)

    def _one(self, asked: DemoRequest) -> DemoAnswer:
        sid, _, rest = asked.path.removeprefix(f"{_ROOT}/Messages/").partition("/")
        sid = sid.removesuffix(".json")
        record = next((each for each in self.messages if each["sid"] == sid), None)
        if record is None:
            return error(404, 20404, "not found")
        if not rest:
            return DemoAnswer(document=record)
        if rest == "Media.json":
            return DemoAnswer(document=self._media_list(sid))
        media = next((each for each in self.media.get(sid, ()) if rest.endswith(each.sid)), None)
        if media is None:
            return error(404, 20404, "not found")
        # Another host than the requested one: credentials must not be sent there.
        location = media.location or f"http://localhost:{self.port}/files/{media.sid}"
        return DemoAnswer(307, headers={"Location": location})

    def _file(self, asked: DemoRequest) -> DemoAnswer:
        if "Authorization" in asked.headers:
            self.leaked.append(asked.path)
        sid = asked.path.rpartition("/")[2]
        media = next(each for every in self.media.values() for each in every if each.sid == sid)
        return DemoAnswer(content=media.content, headers={"Content-Type": media.content_type})

    def _media_list(self, sid: str) -> Json:
        created = format_datetime(self.clock().astimezone(UTC))
        listed = [
            {
                "sid": each.sid,
                "account_sid": ACCOUNT,
                "parent_sid": sid,
                "content_type": each.content_type,
                "date_created": created,
                "date_updated": created,
                "uri": f"{_ROOT}/Messages/{sid}/Media/{each.sid}.json",
            }
            for each in self.media.get(sid, ())
        ]
        return {"media_list": listed, **_page(f"{_ROOT}/Messages/{sid}/Media.json", len(listed))}


def _record(sid: str, *, body: str, sender: str | None, to: str, direction: str, at: datetime) -> Json:
    created = format_datetime(at.astimezone(UTC))
    return {
        "account_sid": ACCOUNT,
        "api_version": "2010-04-01",
        "body": body,
        "date_created": created,
        "date_sent": created,
        "date_updated": created,
        "direction": direction,
        "error_code": None,
        "error_message": None,
        "from": sender,
        "messaging_service_sid": None,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": sid,
        "status": "received" if direction == "inbound" else "queued",
        "subresource_uris": {"media": f"{_ROOT}/Messages/{sid}/Media.json"},
        "to": to,
        "uri": f"{_ROOT}/Messages/{sid}.json",
    }


def _matches(record: Json, params: dict[str, str]) -> bool:
    if any(params.get(filtered, record.get(field)) != record.get(field) for filtered, field in _FILTERS):
        return False
    day = _at(record["date_sent"]).date().isoformat()
    bounds = (params.get(name, day)[:10] for name in ("DateSent", "DateSent>", "DateSent<"))
    exactly, since, until = bounds
    return exactly == day and since <= day <= until


_FILTERS: Final = (("To", "to"), ("From", "from"))


def _page(here: str, count: int, *, size: int = 50, page: int = 0, following: str | None = None) -> Json:
    return {
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + count,
        "first_page_uri": here,
        "uri": here,
        "previous_page_uri": "",
        "next_page_uri": following,
    }


def account_record(account: str, *, status: str) -> Json:
    """Return an account as Twilio describes it."""
    created = format_datetime(datetime(2026, 1, 1, tzinfo=UTC))
    return {
        "sid": account,
        "status": status,
        "type": "Full",
        "friendly_name": "wallet",
        "date_created": created,
        "date_updated": created,
        "auth_token": None,
        "owner_account_sid": account,
        "uri": f"/2010-04-01/Accounts/{account}.json",
        "subresource_uris": {},
    }


def _numbers(numbers: list[str]) -> Json:
    listed = [{"sid": "PN" + "b" * 32, "account_sid": ACCOUNT, "phone_number": each} for each in numbers]
    return {"incoming_phone_numbers": listed, **_page(f"{_ROOT}/IncomingPhoneNumbers.json", len(listed))}


def _at(value: str | None) -> datetime:
    return parsedate_to_datetime(value) if value else datetime(1970, 1, 1, tzinfo=UTC)

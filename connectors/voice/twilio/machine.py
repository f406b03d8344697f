"""Twilio's requests for each step of a call: signed, read, and answered with TwiML."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs

from connectors.base import Batch, WebhookRequest, WebhookResponse
from connectors.call_machine import StaffedHours
from connectors.registry_row import FileRequest, voice_address
from connectors.safe_http import Forbidden
from connectors.sms.twilio.client import API, basic_auth
from connectors.sms.twilio.webhook import is_signed, read_form
from connectors.voice.call_messages import RECORDING, batch_of
from connectors.voice.twilio.call_forms import news_of
from connectors.voice.twilio.menu import REPORTS, Menu, MenuPosition, Step
from router.errors import ConfigError, NotFound, PermanentError
from router.phone_call import CallLimits, CallNews, PhoneCall
from router.settings.channels.voice import SpokenLanguage, VoiceSettings
from router.settings.model import DeskSettings

_TWIML: Final = "text/xml"
# Three minutes are 0.7 MB as MP3; the longest allowed voicemail is well below.
_LARGEST: Final = 10_485_760
# Where Twilio keeps recordings: its own hosts, and short-lived links to Amazon's storage.
_ONWARD: Final = (".twilio.com", ".twiliocdn.com", ".amazonaws.com")


class TwilioCallMachine:
    """See `CallMachine`."""

    def __init__(self, channel: str, settings: VoiceSettings, desk: DeskSettings, hours: StaffedHours) -> None:
        if settings.twilio is None:
            raise NotFound("no menu answers the calls of this channel")
        self._channel, self._settings, self._menu_settings = channel, settings, settings.twilio
        self._address = voice_address(desk, channel)
        self._menu = Menu(settings.twilio, address=self._address, hours=hours)

    @property
    def limits(self) -> CallLimits:
        """See `CallMachine`."""
        menu = self._menu_settings
        return CallLimits(
            missed_after=menu.missed_after,
            calls_per_caller=menu.calls_per_caller,
            dials_per_day=menu.dials_per_day or 0,
            blocked=menu.blocked,
        )

    def is_signed(self, request: WebhookRequest) -> bool:
        """See `CallMachine`."""
        if not self._address:
            raise ConfigError("calls need [omniyard] public_url: the signature covers the URL that is called")
        return is_signed(
            self._menu_settings,
            url=self._address + (f"?{request.query}" if request.query else ""),
            body=request.body,
            media_type="application/x-www-form-urlencoded",
            signature=request.headers.get("x-twilio-signature"),
        )

    def news(self, request: WebhookRequest, *, now: datetime) -> CallNews:
        """See `CallMachine`."""
        form, position = read_form(request.body), self._position(request)
        ours = form.one("AccountSid") == self._menu_settings.account.reveal()
        # A leg to the emergency number is for another number, and names our call as its parent.
        called = form.one("To") == self._settings.number or bool(form.one("ParentCallSid")) or "To" not in form
        if not ours or not called:
            raise PermanentError("the call is for another number or account than this channel's")
        return news_of(form, position, now=now)

    def answer(self, request: WebhookRequest, call: PhoneCall) -> WebhookResponse:
        """See `CallMachine`."""
        return WebhookResponse(self._menu.say(self._position(request), call), _TWIML)

    def fallback(self, request: WebhookRequest) -> WebhookResponse:
        """See `CallMachine`."""
        step = self._position(request).step
        if step in REPORTS:
            return WebhookResponse("", _TWIML, status=503)
        if step is Step.RECORDED:
            return self._thanks(request)
        return WebhookResponse(self._menu.ask_for_voicemail(), _TWIML)

    def _thanks(self, request: WebhookRequest) -> WebhookResponse:
        return WebhookResponse(self._menu.thank(self._position(request)), _TWIML)

    def batch(self, calls: Sequence[PhoneCall], *, backfill: bool) -> Batch:
        """See `CallMachine`."""
        return batch_of(self._channel, calls, backfill=backfill)

    def _position(self, request: WebhookRequest) -> MenuPosition:
        """Return where in the menu a request is. Raises PermanentError for no step of ours."""
        query, form = parse_qs(request.query, keep_blank_values=True), read_form(request.body)
        named = {name: query.get(name, [""])[0] for name in ("step", "lang", "n")}
        try:
            step = Step(named["step"] or Step.START)
        except ValueError as error:
            raise PermanentError("the URL names no step of the menu") from error
        turn = int(named["n"]) if named["n"].isdigit() and len(named["n"]) < 3 else 1
        return MenuPosition(
            step=step,
            language=self._language(named["lang"]),
            turn=turn,
            digits=form.one("Digits"),
            dial_status=form.one("DialCallStatus").lower(),
        )

    def _language(self, named: str) -> SpokenLanguage:
        known = self._menu_settings.languages
        return next((each for each in known if each == named), known[0])


def open_machine(channel: str, settings: VoiceSettings, desk: DeskSettings, hours: StaffedHours) -> TwilioCallMachine:
    """Return the machine of a channel. Raises NotFound for a hotline without a menu."""
    return TwilioCallMachine(channel, settings, desk, hours)


def file_request(settings: VoiceSettings, url: str) -> FileRequest:
    """Return how a recording is fetched. Raises Forbidden for what is none of this account's."""
    menu, sid = settings.twilio, url.removeprefix(RECORDING)
    if menu is None or not url.startswith(RECORDING) or not sid.isalnum():
        raise Forbidden("it is no recording of this hotline")
    base = menu.api_base or API
    return FileRequest(
        url=f"{base}/2010-04-01/Accounts/{menu.account.reveal()}/Recordings/{sid}.mp3",
        headers={"Authorization": basic_auth(menu)},
        # Only an operator's own proxy is on this machine.
        allow_private=base != API,
        largest=_LARGEST,
        onward=_ONWARD,
    )

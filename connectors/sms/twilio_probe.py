"""What `omniyard doctor` wants to know about a number at Twilio."""

from __future__ import annotations

from typing import Final

from connectors.base import Health
from connectors.sms.phone_numbers import is_mainland_china
from connectors.sms.twilio.client import Twilio
from router.errors import OmniyardError
from router.settings.chat_channels import TwilioSettings

CHINA: Final = (
    "it is a number of mainland China, where Twilio offers no two-way SMS: customers cannot write to it, and notices "
    'need registered templates; use a provider there (kind = "http_sms"), mail or another channel'
)
CHINA_CUSTOMERS: Final = (
    "customers with +86 numbers can be sent notices with registered templates at best; their answers do not come back"
)


def probe(settings: TwilioSettings) -> Health:
    """Log in, look for the number, change nothing."""
    try:
        twilio = Twilio(settings)
        try:
            account = twilio.get(".json")
            own = [] if settings.whatsapp else _numbers(twilio, settings.number)
        finally:
            twilio.close()
    except OmniyardError as error:
        return Health(ok=False, findings=(str(error),))
    status = str(account.get("status", "unknown"))
    findings = [f"the account answers and is {status}"]
    if status != "active":
        return Health(ok=False, findings=(*findings, "an account that is not active receives nothing: see its console"))
    return _about_number(settings, findings=findings, is_own=bool(own) or settings.whatsapp)


def _numbers(twilio: Twilio, number: str) -> list[object]:
    listed = twilio.get("/IncomingPhoneNumbers.json", {"PhoneNumber": number, "PageSize": 1})
    numbers = listed.get("incoming_phone_numbers")
    return numbers if isinstance(numbers, list) else []


def _about_number(settings: TwilioSettings, *, findings: list[str], is_own: bool) -> Health:
    if settings.whatsapp:
        findings.append("WhatsApp senders cannot be looked up this way; a test message shows whether it works")
    elif is_own:
        findings.append("the number belongs to the account")
    else:
        findings.append("the account has no such number: check `number`, or buy it in the console")
    if not settings.whatsapp:
        chinese = is_mainland_china(settings.number)
        findings.append(CHINA if chinese else CHINA_CUSTOMERS)
        is_own = is_own and not chinese
    return Health(ok=is_own, findings=tuple(findings))

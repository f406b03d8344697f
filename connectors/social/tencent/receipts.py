"""What a text that is too long, or an error of a call, says about the message that was to be sent."""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import timedelta

from connectors.http_errors import receipt_of_silence
from connectors.sender_contract import Receipt, SendVerdict
from connectors.social.tencent.api_client import ApiRefusal, NotAnswered
from router.delivery import TextLimit
from router.errors import ConfigError, RateLimited


def refused_text(text: str, *, provider: str, limit: TextLimit) -> Receipt | None:
    """Return the receipt of a text that is empty or too long; None if it may be sent. provider: its name."""
    if text and limit.allows(text):
        return None
    why = f"{provider} takes 1 to {limit.longest} {limit.unit}; this text has {limit.units_of(text)}"
    return Receipt(verdict=SendVerdict.REFUSED, why=why)


def send_once(send: Callable[[], Receipt], *, of_channel: Container[int]) -> Receipt:
    """Return the receipt of one attempt, also of one that failed. of_channel: errcodes that concern every message."""
    try:
        return send()
    except NotAnswered as error:
        return receipt_of_silence(str(error), sent=error.sent)
    except RateLimited as error:
        wait = timedelta(seconds=error.seconds)
        return Receipt(verdict=SendVerdict.NOT_SENT, why=str(error), retry_after=wait, whole_channel=True)
    except ConfigError as error:
        return Receipt(verdict=SendVerdict.NOT_SENT, why=str(error), whole_channel=True)
    except ApiRefusal as error:
        is_all = error.code in of_channel
        verdict = SendVerdict.NOT_SENT if is_all else SendVerdict.REFUSED
        return Receipt(verdict=verdict, why=str(error), whole_channel=is_all)

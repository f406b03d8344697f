"""What X's answer to a message or a post says about it, and the day's budget before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Final

import requests
import tweepy
from requests.exceptions import RequestException

from connectors.http_errors import certainly_not_sent
from connectors.sender_contract import Receipt, SendVerdict
from connectors.social.x.budget import Spent
from connectors.social.x.client import is_out_of_credits, seconds_to_reset
from router.errors import OmniyardError
from router.settings.channels.x import XAccountSettings

_HOUR: Final = timedelta(hours=1)


def send_to_x(send: Callable[[], Mapping[str, object]], *, forbidden: str) -> Mapping[str, object] | Receipt:
    """Return X's answer to one attempt, or the receipt of an attempt that failed.

    forbidden: what a 403 means for the agent.
    """
    try:
        return send()
    except tweepy.HTTPException as error:
        return _refused(error.response, forbidden=forbidden)
    except RequestException as error:
        return _broken(error)
    # tweepy parses the reset header of a 429 as a number before it raises the error of the response.
    except (ValueError, OmniyardError) as error:
        why = f"X's answer cannot be read ({type(error).__name__})"
        return Receipt(verdict=SendVerdict.UNKNOWN, why=why)


def too_dear(settings: XAccountSettings, spent: Spent, *, now: datetime) -> Receipt | None:
    """Return the receipt of a message that the day's budget does not allow; None if it does. now: aware UTC."""
    if spent.dollars + settings.send_price <= settings.daily_budget:
        return None
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
    why = f"the day's budget of {settings.daily_budget:.2f} dollars is spent on answers (`daily_budget`)"
    return _later(why, wait=midnight - now)


def _broken(error: RequestException) -> Receipt:
    if certainly_not_sent(error):
        return _later(f"X cannot be reached ({type(error).__name__})")
    return Receipt(verdict=SendVerdict.UNKNOWN, why=f"X's answer did not come ({type(error).__name__})")


def _refused(answer: requests.Response, *, forbidden: str) -> Receipt:
    status = answer.status_code
    if is_out_of_credits(answer):
        return _later(f"the account's credits at X are used up ({status})", wait=_HOUR)
    if status == 429:
        return _later("X is asked too often (429)", wait=timedelta(seconds=seconds_to_reset(answer)))
    if status == 401:
        return _later("X refuses the credentials (401): check the four keys")
    if status == 403:
        return Receipt(verdict=SendVerdict.REFUSED, why=forbidden)
    if 400 <= status < 500:
        return Receipt(verdict=SendVerdict.REFUSED, why=f"X refuses it ({status})")
    return Receipt(verdict=SendVerdict.UNKNOWN, why=f"X is out of order ({status})")


def _later(why: str, *, wait: timedelta | None = None) -> Receipt:
    return Receipt(verdict=SendVerdict.NOT_SENT, why=why, retry_after=wait, whole_channel=True)

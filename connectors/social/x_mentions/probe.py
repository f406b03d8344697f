"""What `omniyard doctor` says of the mentions: the account, and whether X tells of new posts at once."""

from __future__ import annotations

from typing import Final

from connectors.base import Health
from connectors.social.x.client import NotAllowed, bearer_token, of_app, probe_account
from router.errors import OmniyardError, RateLimited
from router.settings.channels.x import XMentionsSettings

_MENTION: Final = "post.mention.create"
_FORBIDDEN: Final = (
    "X forbids this (403): the app is suspended, or may not read and write posts: look at it in the developer console"
)
_AGAIN: Final = "{why}; X answers again in {minutes} minutes"
_NO_WEBHOOK: Final = "X knows no webhook of the app: posts come by the poll only"
_SWITCHED_OFF: Final = (
    "X has switched the webhook off because its challenge (CRC) failed: when the desk can be reached, validate it in "
    "the developer console"
)
_NO_SUBSCRIPTION: Final = (
    f"no subscription of the account to {_MENTION}: posts come by the poll only; add it in the developer console"
)
_AT_ONCE: Final = "X's webhook says at once when a post names us"


def probe(settings: XMentionsSettings) -> Health:
    """Return whether the account answers, and how posts come. Reads no post, because each costs."""
    try:
        account = probe_account(settings)
        found, is_well = _webhook(settings) if account.ok else ((), False)
    except NotAllowed:
        return Health(ok=False, findings=(_FORBIDDEN,))
    except RateLimited as error:
        minutes = max(1, round(error.seconds / 60))
        return Health(ok=False, findings=(_AGAIN.format(why=error, minutes=minutes),))
    except OmniyardError as error:
        return Health(ok=False, findings=(str(error),))
    return Health(ok=account.ok and is_well, findings=(*account.findings, *found))


def _webhook(settings: XMentionsSettings) -> tuple[tuple[str, ...], bool]:
    """Return what to say of the webhook, and whether it is as it should be: without one the poll does all."""
    token = bearer_token(settings)
    known = of_app(settings, "/2/webhooks", token=token)
    if not known:
        return (_NO_WEBHOOK,), True
    if not any(each.get("valid") is True for each in known):
        return (_SWITCHED_OFF,), False
    own = settings.access_token.reveal().partition("-")[0]
    subscribed = of_app(settings, "/2/activity/subscriptions", token=token)
    is_told = any(
        each.get("event_type") == _MENTION and isinstance(of := each.get("filter"), dict) and of.get("user_id") == own
        for each in subscribed
    )
    return ((_AT_ONCE,), True) if is_told else ((_NO_SUBSCRIPTION,), False)

"""What `omniyard doctor` wants to know about an account on X."""

from __future__ import annotations

from typing import Final

from connectors.base import Health
from connectors.social.x.client import XApi
from router.errors import OmniyardError
from router.settings.chat_channels import XSettings

_ENCRYPTED: Final = (
    "this account may receive encrypted X Chat messages, which this interface cannot see: look at them in X's own app, "
    "or tell customers to write elsewhere"
)


def probe(settings: XSettings) -> Health:
    """Ask who we are; read no message, because each costs; change nothing."""
    try:
        api = XApi(settings)
        try:
            me = api.me().get("data")
        finally:
            api.close()
    except OmniyardError as error:
        return Health(ok=False, findings=(str(error),))
    name = me.get("username") if isinstance(me, dict) else None
    findings = [f"the account @{name} answers" if isinstance(name, str) else "the account answers"]
    if isinstance(me, dict) and me.get("id") not in {None, api.own_id}:
        findings.append("the access token is of another account than the one that answers: check `access_token`")
        return Health(ok=False, findings=tuple(findings))
    money = (
        f"up to {settings.daily_budget:.2f} dollars a day are spent on it"
        if settings.daily_budget
        else "no money may be spent on it (`daily_budget`)"
    )
    return Health(ok=settings.daily_budget > 0, findings=(*findings, money, _ENCRYPTED))

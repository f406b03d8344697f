"""What `omniyard doctor` wants to know about a Telegram bot."""

from __future__ import annotations

from connectors.base import Health
from connectors.social.telegram.client import TelegramApi
from router.errors import OmniyardError
from router.settings.chat_channels import TelegramSettings


def probe(settings: TelegramSettings) -> Health:
    """Ask who we are and whether a webhook is in the way; change nothing and confirm nothing."""
    try:
        api = TelegramApi(settings)
        try:
            me, hook = api.call("getMe", {}), api.call("getWebhookInfo", {})
        finally:
            api.close()
    except OmniyardError as error:
        return Health(ok=False, findings=(str(error),))
    name = me.get("username") if isinstance(me, dict) else None
    findings = [f"the bot @{name} answers" if isinstance(name, str) else "the bot answers"]
    if isinstance(hook, dict) and hook.get("url"):
        findings.append("a webhook is set, so Telegram refuses to be polled: call deleteWebhook")
        return Health(ok=False, findings=tuple(findings))
    waiting = hook.get("pending_update_count") if isinstance(hook, dict) else None
    findings.append(f"{waiting} messages wait there" if waiting else "no message waits there")
    return Health(ok=True, findings=tuple(findings))

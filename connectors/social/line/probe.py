"""What `doctor` asks LINE: the account, where its webhooks go, and how much of the month's quota is left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from connectors.base import Health
from connectors.social.line.client import LineApi, LineRefusal
from router.errors import OmniyardError

_REDELIVERY: Final = "switch on webhook redelivery in the console: what the desk did not take is lost without it"
_NO_WEBHOOK: Final = "LINE has no webhook URL for this account: enter {address} in the console"
_OFF: Final = 'LINE does not use the webhook: switch on "Use webhook" in the console'
_ELSEWHERE: Final = "LINE calls another address than this desk's: enter {address} in the console"
_USED_UP: Final = "this month's {limit} messages are used up: no answer leaves until the 1st, or until you buy more"


def probe(api: LineApi, *, address: str) -> Health:
    """Ask and change nothing. address: of the desk's webhook; empty without a public URL."""
    try:
        info = api.read("info")
        problems = (
            *_webhook_problems(api, address=address),
            *_quota_problems(limit := _limit(api), used := _used(api)),
        )
    except OmniyardError as error:
        return Health(ok=False, findings=(str(error),))
    name = info.get("displayName") or info.get("basicId") or "the account"
    quota = f"{used} of {limit} messages of this month are used" if limit is not None else "messages are not limited"
    return Health(ok=not problems, findings=problems or (f"LINE answers for {name}", quota, _REDELIVERY))


def _webhook_problems(api: LineApi, *, address: str) -> tuple[str, ...]:
    try:
        found = api.read("channel/webhook/endpoint")
    except LineRefusal as error:
        if error.status != 404:
            raise
        return (_NO_WEBHOOK.format(address=address),)
    wrong = () if not address or found.get("endpoint") == address else (_ELSEWHERE.format(address=address),)
    return wrong if found.get("active") is True else (*wrong, _OFF)


def _quota_problems(limit: int | None, used: int) -> tuple[str, ...]:
    return (_USED_UP.format(limit=limit),) if limit is not None and used >= limit else ()


def _limit(api: LineApi) -> int | None:
    found = api.read("message/quota")
    return _number(found, "value") if found.get("type") == "limited" else None


def _used(api: LineApi) -> int:
    return _number(api.read("message/quota/consumption"), "totalUsage")


def _number(found: Mapping[str, object], name: str) -> int:
    value = found.get(name)
    return value if isinstance(value, int) else 0

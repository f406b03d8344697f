"""What `doctor` tests of a channel of the operator's own: its secrets, its list, and where answers go."""

from __future__ import annotations

from collections.abc import Callable

from connectors.base import Health
from connectors.custom.caller_proof import check_secret
from connectors.custom.connector import CustomConnector
from connectors.custom.sender import CustomSender
from router.errors import OmniyardError
from router.settings.channels.custom import CustomSettings


def probe(channel: str, settings: CustomSettings) -> Health:
    """Test everything that can be tested without sending."""
    ok = True
    findings: list[str] = []
    for test in _tests(channel, settings):
        try:
            findings += test().findings
        except OmniyardError as error:
            ok = False
            findings.append(str(error))
    return Health(ok=ok, findings=tuple(findings))


def _tests(channel: str, settings: CustomSettings) -> list[Callable[[], Health]]:
    tests: list[Callable[[], Health]] = []
    if settings.secret is not None:
        tests.append(lambda: _of_calls(channel, settings))
    if settings.pull is not None:
        tests.append(CustomConnector(channel, settings).probe)
    if settings.send is not None and settings.send.url is not None:
        tests.append(CustomSender(channel, settings, settings.send).probe)
    return tests


def _of_calls(channel: str, settings: CustomSettings) -> Health:
    check_secret(settings)
    ways = ["brings messages to"] if settings.push else []
    ways += ["collects answers below"] if settings.replies_are_collected else []
    said = f"their system {' and '.join(ways)} /webhooks/{channel}, with auth = {settings.auth}"
    return Health(ok=True, findings=(said,) if ways else ())

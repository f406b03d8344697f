"""Standard Webhooks: signatures, secrets, pauses and patterns."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest

from router.errors import ConfigError
from router.settings.model import WebhookSettings
from router.webhook_signature import next_pause, read_keys, sign, wants


def test_the_signature_equals_the_specifications_example():
    # Source: the specification's libraries, test vector of their README.
    keys = read_keys("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = sign(
        b'{"test": 2432232314}',
        keys=keys,
        webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=datetime.fromtimestamp(1614265330, UTC),
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_during_a_key_change_both_keys_sign():
    old, new = (f"whsec_{base64.b64encode(bytes([number]) * 32).decode()}" for number in range(2))
    signature = sign(b"", keys=read_keys(f"{old} {new}"), webhook_id="x", at=datetime(2026, 1, 1, tzinfo=UTC))
    assert [word[:3] for word in signature["webhook-signature"].split()] == ["v1,", "v1,"]


@pytest.mark.parametrize("secret", ["whsec_not base64!", "whsec_c2hvcnQ=", f"whsec_{'A' * 200}"])
def test_an_invalid_secret_is_refused_and_not_repeated(secret):
    with pytest.raises(ConfigError) as error:
        read_keys(secret)
    assert secret.removeprefix("whsec_").split()[0] not in str(error.value)


# Failures so far, hours since the first, the target's Retry-After -> the pause.
@pytest.mark.parametrize(
    ("attempts", "hours", "asked", "pause"),
    [
        (1, 0, None, timedelta(seconds=5)),
        (2, 0, None, timedelta(seconds=10)),
        (5, 1, None, timedelta(seconds=80)),
        (11, 5, None, timedelta(hours=1)),
        (5000, 23, None, timedelta(hours=1)),  # no overflow
        (1, 0, timedelta(minutes=10), timedelta(minutes=10)),
        (1, 0, timedelta(days=10), timedelta(hours=1)),  # a target may not park us
        (30, 24, None, None),
    ],
)
def test_pauses_grow_and_attempts_end_after_a_day(attempts, hours, asked, pause):
    assert next_pause(attempts, trying_for=timedelta(hours=hours), asked_for=asked) == pause


def test_patterns_choose_kinds_and_none_choose_all():
    assert wants((), "a.b")
    assert wants(("conversation.*",), "conversation.opened")
    assert not wants(("conversation.*", "message.queued"), "message.noted")


@pytest.mark.parametrize(
    "url", ["http://tools.example/", "https://user@tools.example/", "ftp://tools.example/", "https:///x", "nonsense"]
)
def test_an_address_that_would_leak_is_refused(url):
    with pytest.raises(ValueError, match="expected https://"):
        WebhookSettings(url=url, secret="env:X")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://tools.example:99999/", "a port is a number up to 65535"),
        ("https://tools.example:abc/", "a port is a number up to 65535"),
        ("https://[::1/", "host or port is not valid"),
        ("https://tools.example/é", "without blanks"),
        ("https://tools.example/a b", "without blanks"),
    ],
)
def test_an_unusable_address_is_refused(url, why):
    with pytest.raises(ValueError, match=why):
        WebhookSettings(url=url, secret="env:X")

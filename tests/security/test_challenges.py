"""A provider's test of who we are hands out no signature that we accept, whatever kind of channel it calls."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import pytest

from connectors.base import Batch, ProviderEndpoint, WebhookRequest
from connectors.registry import KINDS, endpoint_of
from router.errors import NotFound, PermanentError
from router.settings import Settings, read_settings
from tests.fakes.x import KEYS, OWN

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
# A channel of each kind with an endpoint; a new kind fails here until it has one.
FILE = """
[omniyard]
public_url = "https://desk.wallet.example"

[channels.twilio]
kind = "twilio"
account = "env:SECRET"
token = "env:SECRET"
number = "+15005550006"

[channels.http_sms]
kind = "http_sms"
number = "10690000"
secret = "env:SECRET"
fields = { id = "id", sender = "from", text = "text" }
answer = "OK"
[channels.http_sms.send]
url = "https://sms.example.com/send"
body = { to = "{recipient}", text = "{text}" }
accepted = { code = "OK" }

[channels.x]
kind = "x"
consumer_key = "env:X_CONSUMER_KEY"
consumer_secret = "env:X_CONSUMER_SECRET"
access_token = "env:X_ACCESS_TOKEN"
access_secret = "env:X_ACCESS_SECRET"

[channels.custom]
kind = "custom"
auth = "hmac"
secret = "env:SECRET"
header = "X-Signature"

[channels.wecom]
kind = "wecom"
corp = "ww0123456789abcdef"
secret = "env:SECRET"
account = "wk0123456789abcdef"
callback_token = "env:SECRET"
aes_key = "env:AES_KEY"

[channels.line]
kind = "line"
secret = "env:SECRET"
token = "env:SECRET"

[channels.wechat]
kind = "wechat"
app = "wx0123456789abcdef"
secret = "env:SECRET"
callback_token = "env:SECRET"
aes_key = "env:AES_KEY"

[channels.whatsapp]
kind = "whatsapp"
number_id = "106"
token = "env:SECRET"
app_secret = "env:SECRET"
verify_token = "env:SECRET"

[[routes]]
name = "all"
team = "front"
"""
EVENT = {
    "type": "message_create", "id": "1760000000000000001", "created_timestamp": "1763611200000",
    "message_create": {"sender_id": "4242", "target": {"recipient_id": OWN}, "message_data": {"text": "My PIN is new"}},
}  # fmt: skip
SHORT = json.dumps({"for_user_id": OWN, "direct_message_events": [EVENT]}, separators=(",", ":"))
SMS = {"id": "1", "from": "+8613800138000", "text": "hello"}
BODIES = [
    SHORT,
    f" \r\n\t{SHORT}",
    f"\ufeff{SHORT}",
    json.dumps({"data": {"payload": json.loads(SHORT)}}),
    json.dumps({"direct_message_events": [EVENT]}),
    json.dumps(SMS),
    json.dumps([SMS]),
    urlencode(SMS),
    urlencode({"From": SMS["from"], "To": "+15005550006", "Body": "hello", "MessageSid": "SM1", "AccountSid": "s"}),
    "bare-token.of/base64+letters==",
    "",
    "x" * 128,
]
# What providers call the text that is to be answered: X, Meta, WeCom and DingTalk, others.
ASKED_BY = ("crc_token", "hub.challenge", "echostr", "challenge", "token", "nonce", "validationToken", "timestamp")
SIGNED_BY = (
    "x-twitter-webhooks-signature",
    "x-twilio-signature",
    "x-signature",
    "x-hub-signature-256",
    "msg_signature",
)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in {"SECRET": "secret-of-a-provider", "AES_KEY": "a" * 42 + "A", **KEYS}.items():
        monkeypatch.setenv(name, value)
    return read_settings(FILE)


def handed_out(endpoint: ProviderEndpoint, text: str) -> set[str]:
    """Return whatever in the answers to a challenge with this text could be a signature."""
    found: set[str] = set()
    for name in ASKED_BY:
        asked = {name: text} | ({"hub.mode": "subscribe"} if name.startswith("hub") else {})
        try:
            answer = endpoint.challenge(WebhookRequest(body=b"", headers={}, query=urlencode(asked)))
        except (NotFound, PermanentError):
            continue
        found |= {answer.text, *re.findall(r"[A-Za-z0-9+/=_:-]{20,}", answer.text)}
        found |= {value for value in _strings(answer.text) if value}
    return found


def _strings(document: str) -> list[str]:
    try:
        read = json.loads(document)
    except ValueError:
        return []
    return [str(value) for value in read.values()] if isinstance(read, dict) else []


def accepted(endpoint: ProviderEndpoint, text: str, signature: str) -> Batch | None:
    """Return what the endpoint takes for a batch of its provider when it is given this signature."""
    for media_type in ("application/json", "application/x-www-form-urlencoded"):
        headers = {"content-type": media_type} | dict.fromkeys(SIGNED_BY, signature)
        query = urlencode({"msg_signature": signature, "signature": signature})
        request = WebhookRequest(body=text.encode(), headers=headers, query=query)
        if endpoint.is_signed(request, now=NOW):
            return endpoint.batch(request, now=NOW)
    return None


@pytest.mark.parametrize("kind", sorted(name for name, kind in KINDS.items() if kind.endpoint))
def test_no_challenge_signs_what_the_same_endpoint_accepts(kind: str, settings: Settings) -> None:
    endpoint = endpoint_of(kind, settings.channels[kind], desk=settings.omniyard)
    for text in BODIES:
        for signature in handed_out(endpoint, text):
            assert accepted(endpoint, text, signature) is None, (kind, text[:40])


def test_the_sweep_would_see_a_signature_that_is_accepted(settings: Settings) -> None:
    endpoint = endpoint_of("x", settings.channels["x"], desk=settings.omniyard)
    assert handed_out(endpoint, "bare-token") != set()
    signed = _signed_by_x(SHORT)
    batch = accepted(endpoint, SHORT, signed)
    assert batch is not None
    assert len(batch.messages) == 1


def _signed_by_x(text: str) -> str:
    digest = hmac.new(KEYS["X_CONSUMER_SECRET"].encode(), text.encode(), hashlib.sha256).digest()
    return f"sha256={base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    "token",
    [
        # As X writes them in its guides and as its servers send them: base64 of a UUID, a UUID, a word.
        "YjdjNmExODEtNWM4OC00YzI1LWJkZjctNWY0NDMxYmZmNzU0",
        "b7c6a181-5c88-4c25-bdf7-5f4431bff754",
        "challenge_string",
        "a+b/c==",
    ],
)
def test_what_x_itself_asks_is_answered(token: str, settings: Settings) -> None:
    endpoint = endpoint_of("x", settings.channels["x"], desk=settings.omniyard)
    asked = WebhookRequest(body=b"", headers={}, query=f"crc_token={quote(token, safe='')}&nonce=MTYzNTkw")
    assert json.loads(endpoint.challenge(asked).text) == {"response_token": _signed_by_x(token)}


@pytest.mark.parametrize("token", ["", "a b", "{}", "a" * 129, "a\n", "\u00e9", '"a"', "a&b", "[1]", "a\x00"])
def test_what_x_never_asks_is_refused(token: str, settings: Settings) -> None:
    endpoint = endpoint_of("x", settings.channels["x"], desk=settings.omniyard)
    with pytest.raises(PermanentError):
        endpoint.challenge(WebhookRequest(body=b"", headers={}, query=urlencode({"crc_token": token})))


@pytest.mark.parametrize(
    "document",
    [
        {"direct_message_events": [EVENT]},
        {"for_user_id": None, "direct_message_events": [EVENT]},
        {"for_user_id": "1", "direct_message_events": [EVENT]},
        {"data": {"filter": {"user_id": "1"}, "payload": {"direct_message_events": [EVENT]}}},
    ],
)
def test_a_document_that_names_no_account_or_another_is_not_for_us(document: object, settings: Settings) -> None:
    endpoint = endpoint_of("x", settings.channels["x"], desk=settings.omniyard)
    text = json.dumps(document)
    with pytest.raises(PermanentError):
        accepted(endpoint, text, _signed_by_x(text))


def test_the_newer_interface_names_the_account_in_its_filter(settings: Settings) -> None:
    endpoint = endpoint_of("x", settings.channels["x"], desk=settings.omniyard)
    text = json.dumps({"data": {"filter": {"user_id": OWN}, "payload": {"direct_message_events": [EVENT]}}})
    batch = accepted(endpoint, text, _signed_by_x(text))
    assert batch is not None
    assert [message.source_key for message in batch.messages] == [EVENT["id"]]

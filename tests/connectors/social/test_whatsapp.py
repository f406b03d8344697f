"""What leaves for WhatsApp and what its errors say: every verdict of gate_meta_line.md, templates, the proof."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from connectors.sender_contract import Outgoing, SendVerdict
from connectors.social.meta.signature import proof_of
from connectors.social.whatsapp.codes import words_of
from connectors.social.whatsapp.sender import WhatsappSender
from router.settings.channels.whatsapp import WhatsappSettings
from tests.absent_inputs import NO_SPECS
from tests.fakes import meta
from tests.fakes.contract import specs_folder
from tests.fakes.meta import FakeMeta
from tests.fakes.server import DemoAnswer, Fault


@pytest.fixture(scope="module")
def server() -> Iterator[FakeMeta]:
    fake = FakeMeta()
    yield fake
    fake.stop()
    assert fake.violations == []


@pytest.fixture
def fake(server: FakeMeta) -> FakeMeta:
    server.sent.clear()
    server.errors.clear()
    return server


@pytest.fixture
def sender(fake: FakeMeta, monkeypatch: pytest.MonkeyPatch) -> WhatsappSender:
    for name, value in {"T": meta.TOKEN, "S": meta.APP_SECRET, "V": meta.VERIFY_TOKEN}.items():
        monkeypatch.setenv(f"META_{name}", value)
    settings = WhatsappSettings.model_validate({
        "kind": "whatsapp", "number_id": meta.NUMBER, "token": "env:META_T", "app_secret": "env:META_S",
        "verify_token": "env:META_V", "templates": {"late": "order_late:zh_CN"}, "api_base": fake.base,
    })  # fmt: skip
    return WhatsappSender("whatsapp", settings)


def outgoing(text: str = "hello", **more: object) -> Outgoing:
    ids = {"outbound_id": uuid.uuid4(), "attempt_id": uuid.uuid4(), "attempt": 1, "rfc_message_id": "x"}
    known = {"channel": "whatsapp", "recipient": "+8613800138000", "text": text, "dated_at": datetime.now(UTC)}
    return Outgoing(**ids | known | more)  # type: ignore[arg-type]


NOT_SENT, REFUSED, UNKNOWN = SendVerdict.NOT_SENT, SendVerdict.REFUSED, SendVerdict.UNKNOWN
VERDICTS = [
    *((code, NOT_SENT, "channel") for code in (4, 80007, 130429, 133016)),
    (131056, NOT_SENT, "recipient"),
    *((code, REFUSED, "") for code in (100, 130472, 131021, 131026, 131045, 131047, 131049, 131050)),
    *((code, REFUSED, "") for code in (131051, 131052, 131053, 131062, 132001)),
    *((code, NOT_SENT, "channel") for code in (0, 3, 10, 33, 190, 200, 299, 368, 131031, 131042, 133010)),
    *((code, UNKNOWN, "") for code in (1, 2, 131000, 131016)),
]  # fmt: skip


@pytest.mark.parametrize(("code", "verdict", "whole"), VERDICTS)
def test_each_code_has_its_verdict_and_words(sender, fake, code, verdict, whole):
    fake.errors.append((code, 400))
    receipt = sender.send(outgoing())
    assert (receipt.verdict, receipt.whole_channel, receipt.whole_recipient) == (
        verdict, whole == "channel", whole == "recipient",
    )  # fmt: skip
    assert f"({code})" in receipt.why
    assert f"({code})" in words_of(code)


@pytest.mark.parametrize(
    "fault",
    [Fault(answer=DemoAnswer(503, content=b"<html>")), Fault(lose=True), Fault(answer=DemoAnswer(200, content=b"[]"))],
)
def test_an_answer_that_says_nothing_leaves_the_message_unknown(sender, fake, fault):
    fake.script(fault)
    assert sender.send(outgoing()).verdict is UNKNOWN


def test_a_template_leaves_with_its_variables_in_their_places(sender, fake):
    variables = {str(number): f"value {number}" for number in (10, 2, 1)}
    assert sender.send(outgoing("", template="late", variables=variables)).verdict is SendVerdict.ACCEPTED
    template = fake.sent[0]["template"]
    assert (template["name"], template["language"]["code"]) == ("order_late", "zh_CN")
    assert [each["text"] for each in template["components"][0]["parameters"]] == ["value 1", "value 2", "value 10"]


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (outgoing("x" * 4097), "4096"),
        (outgoing(""), "takes 1 to"),
        (outgoing(template="unknown"), "templates"),
        (outgoing(template="late", variables={"1": "two\nlines"}), "new line"),
    ],
)
def test_what_whatsapp_would_refuse_does_not_leave(sender, fake, message, why):
    receipt = sender.send(message)
    assert (receipt.verdict, why in receipt.why, fake.sent) == (REFUSED, True, [])


def test_a_number_leaves_without_its_plus(sender, fake):
    sender.send(outgoing())
    assert fake.sent[0]["to"] == "8613800138000"


def test_the_proof_of_a_token_is_that_of_the_vector():
    folder = specs_folder()
    if folder is None:
        pytest.skip(NO_SPECS)
    vector = json.loads((folder / "vectors.json").read_text(encoding="utf-8"))["meta_own"]
    assert proof_of("EAAtoken", secret=vector["app_secret"]) == vector["appsecret_proof_of_EAAtoken"]

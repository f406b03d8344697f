"""A filled contact form: parsed like any channel's message, and parsed again; no mail can pass for one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.base import RawMessage
from connectors.normalise import normalise_batch, reread
from connectors.web.form import Submission, batch_of, is_address
from router.envelope import WEB_FORM, Envelope, Party, PartyKind, from_json
from router.origin.automatic import recognise

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


def filled(**over: object) -> RawMessage:
    values = {"key": "form:1", "email": "Li@Example.com", "name": "Li", "subject": "Refund", "text": "where is it?"}
    submission = Submission(**{**values, "files": [("a/../b.png", b"\x89PNG\r\n\x1a\n")], **over})  # type: ignore[arg-type]
    return batch_of("form", submission, to="help@desk.example", now=NOW).messages[0]


def test_a_form_is_a_persons_message_with_its_files_and_can_be_read_again():
    (arrival,) = normalise_batch([filled()], channel="form", form="web")
    envelope = from_json(arrival.envelope.decode())
    assert (arrival.unreadable, envelope.sender) == ("", Party(PartyKind.EMAIL, "li@example.com", "Li"))
    assert [party.handle for party in envelope.to] == ["help@desk.example"]
    assert [(file.name, file.media_type) for file in envelope.attachments] == [("b.png", "image/png")]
    assert recognise(envelope, own_addresses=frozenset({"help@desk.example"})).kind == "person"
    again = reread(filled(), channel="form", stored=envelope)
    assert again
    assert again.envelope == arrival.envelope


def test_the_same_form_sent_twice_is_the_same_message_and_another_text_is_not():
    hashes = [
        normalise_batch([message], channel="form", form="web")[0].content_hash
        for message in (filled(), filled(), filled(text="something else"))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_mail_that_imitates_a_form_is_read_as_a_mail():
    stored = Envelope(channel="mail", source_key="1", sender=Party(PartyKind.EMAIL, "a@b.example"), received_at=NOW)
    assert WEB_FORM not in stored.machine_headers
    assert reread(filled(), channel="mail", stored=stored) is None


@pytest.mark.parametrize(
    "text",
    ["", "x", "a@b", "a b@c.example", "a@b.example\n", "a@b.example,c@d.example", '"x"@b.example', "a@-", "ä@b.cc"],
)
def test_what_is_no_address_is_refused(text):
    assert not is_address(text)

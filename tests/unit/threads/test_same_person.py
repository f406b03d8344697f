from __future__ import annotations

from uuid import UUID

from router.envelope import PartyKind
from router.threads.same_person import HandleOwner, claimed_handles, suggest_same

NEWEST, OLDER, OWNER = UUID(int=3), UUID(int=2), UUID(int=7)


def owner(kind: str, handle: str) -> HandleOwner:
    return HandleOwner(contact_id=OWNER, name="Li Na", kind=kind, handle=handle)


def test_a_handle_is_claimed_by_the_newest_text_that_names_it():
    texts = [(NEWEST, "My account is li.na@example.com"), (OLDER, "li.na@example.com or 138 0013 8000")]
    claimed = claimed_handles(texts)
    assert claimed[PartyKind.EMAIL, "li.na@example.com"] == NEWEST
    # A number may be a telephone's on any kind of channel that goes by numbers.
    numbers = {kind for kind, handle in claimed if handle != "li.na@example.com"}
    assert numbers == {PartyKind.PHONE, PartyKind.WHATSAPP}


def test_only_the_owner_of_a_claimed_handle_is_suggested():
    claimed = claimed_handles([(NEWEST, "My account is li.na@example.com")])
    found = suggest_same(claimed, [owner("email", "li.na@example.com"), owner("x", "li.na@example.com")])
    assert [(each.contact_id, each.kind, each.message_id) for each in found] == [(OWNER, "email", NEWEST)]


def test_a_text_without_an_address_claims_nothing():
    assert claimed_handles([(NEWEST, "Where is my refund?")]) == {}

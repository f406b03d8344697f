"""Links to a case's page cannot be forged, and they expire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from router.settings.validation import examine_settings
from router.status_links import CaseLink, LinkKind, case_key, read_case_token, write_case_token

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
KEY = case_key(b"k" * 32)
LINK = CaseLink(LinkKind.CONVERSATION, uuid4(), NOW + timedelta(days=60))


def test_a_link_names_its_case_until_it_expires():
    token = write_case_token(KEY, LINK)
    assert read_case_token(KEY, token, now=NOW) == LINK
    assert read_case_token(KEY, token, now=LINK.until - timedelta(seconds=1)) == LINK
    assert read_case_token(KEY, token, now=LINK.until) is None


@pytest.mark.parametrize("place", range(50))
def test_a_link_with_any_changed_letter_is_invalid(place):
    token = write_case_token(KEY, LINK)
    changed = token[:place] + ("B" if token[place] == "A" else "A") + token[place + 1 :]
    assert read_case_token(KEY, changed, now=NOW) is None


@pytest.mark.parametrize("token", ["", "x", "é" * 50, "=" * 50, "\x00" * 50, "A" * 5000])
def test_nonsense_is_not_a_link(token):
    assert read_case_token(KEY, token, now=NOW) is None


def test_another_desks_link_is_invalid():
    assert read_case_token(case_key(b"j" * 32), write_case_token(KEY, LINK), now=NOW) is None


def test_a_reply_with_a_link_needs_a_public_address():
    text = (
        '{} [replies.a]\ntext = {{ en = "see {{status_link}}" }}\n[[routes]]\nname = "all"\nteam = "a"\nreply = "a"\n'
    )
    wrong = examine_settings(text.format(""))
    assert [finding.message for finding in wrong.errors] == [
        "{status_link} is empty; set [omniyard] public_url, or remove the placeholder"
    ]
    assert not examine_settings(text.format('[omniyard]\npublic_url = "https://desk.example"\n')).errors

"""Finding UIDs in small and in huge folders."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from imapclient import IMAPClient

from connectors.email.imap.cursor import ImapCursor
from connectors.email.imap.fetch import FoundUids, find_above
from router.errors import TransientError
from tests.connectors.conftest import Mailbox

ALL = list(range(2, 31, 2))


@pytest.fixture
def gappy(dovecot_mailbox: Mailbox) -> Iterator[IMAPClient]:
    """A folder of thirty mails of which every second one was deleted; the first ten are from 2020."""
    client = dovecot_mailbox.server.client(dovecot_mailbox.user)
    for number in range(1, 31):
        year = 2020 if number <= 10 else 2024
        client.append("INBOX", b"Subject: x\r\n\r\n", msg_time=datetime(year, 5, 5, 12, tzinfo=UTC))
    client.delete_messages(list(range(1, 31, 2)))
    client.expunge()
    client.select_folder("INBOX", readonly=True)
    yield client
    client.logout()


@pytest.mark.parametrize("window", [3, 4, 14, 15, 50_000])
@pytest.mark.parametrize("read", [0, 1, 2, 3, 15, 28, 29, 30, 99])
def test_windows_of_any_size_find_every_uid_once(gappy, window, read):
    found: list[int] = []
    through = read
    while through:
        answer = find_above(gappy, ImapCursor(read=through), exists=15, window=window)
        found += answer.uids
        through = answer.through
    if read == 0:
        found = walk(gappy, window)
    assert found == [uid for uid in ALL if uid > read]


def walk(client: IMAPClient, window: int) -> list[int]:
    """Read from the beginning, window by window."""
    found, mark = [], ImapCursor(read=0)
    while True:
        answer = find_above(client, mark, exists=15, window=window)
        found += answer.uids
        if not answer.through:
            return found
        mark = ImapCursor(read=answer.through)


@pytest.mark.parametrize("window", [3, 50_000])
def test_old_mail_is_that_since_its_day_and_up_to_its_end(gappy, window):
    mark = ImapCursor(read=0, old=20, since=date(2023, 1, 1))
    found: list[int] = []
    while mark.in_old_mail:
        answer = find_above(gappy, mark, exists=15, window=window)
        found += answer.uids
        mark = ImapCursor(read=answer.through or mark.old, old=mark.old, since=mark.since)
    assert found == [12, 14, 16, 18, 20]


def test_a_folder_that_shrinks_under_a_search_is_searched_again(gappy):
    # Given: the folder has fewer messages than SELECT said, so sequence numbers mean other messages.
    with pytest.raises((TransientError, IMAPClient.Error)):
        find_above(gappy, ImapCursor(read=99), exists=20, window=3)


def test_no_mail_above_the_mark_gives_no_uid(gappy):
    assert find_above(gappy, ImapCursor(read=30), exists=15) == FoundUids(uids=[])


@pytest.mark.parametrize(
    "mark",
    [
        ImapCursor(read=0),
        ImapCursor(read=200),
        ImapCursor(read=200, old=5000, since=date(2026, 11, 1), page=101),
        ImapCursor(read=200, page=101),
    ],
)
def test_a_mark_reads_back_as_it_was_written(mark):
    assert ImapCursor.parse(str(mark)) == mark

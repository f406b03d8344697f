"""Post-actions on the server after the commit, with a failure at each step."""

from __future__ import annotations

import pytest

from router.errors import OmniyardError, TransientError
from tests.servers.mailproxies import refusing

pytestmark = pytest.mark.usefixtures("dovecot")


def folder(mailbox, name: str, criteria: str = "ALL") -> int:
    """Count the messages of a folder."""
    client = mailbox.server.client(mailbox.user, name)
    count = len(client.search([criteria]))
    client.logout()
    return count


def test_seen_is_set_only_when_the_batch_is_settled(dovecot_mailbox, connect):
    connector = connect(dovecot_mailbox, after="seen")
    start = connector.fetch(None).cursor
    dovecot_mailbox.deliver("a", "b")
    batch = connector.fetch(start)
    assert folder(dovecot_mailbox, "INBOX", "SEEN") == 0
    connector.settle(batch)
    assert folder(dovecot_mailbox, "INBOX", "SEEN") == 2
    # A second call does no harm, and the connection can still be read.
    connector.settle(batch)
    assert connector.fetch(batch.cursor).messages == ()


@pytest.mark.parametrize("hidden", [(), (b"MOVE",)], ids=["MOVE", "COPY and UID EXPUNGE"])
def test_mail_is_moved_and_nothing_else_is(dovecot_mailbox, connect, proxy, hidden):
    # Given: an old mail that another client has marked for deletion.
    dovecot_mailbox.deliver("old")
    client = dovecot_mailbox.server.client(dovecot_mailbox.user)
    client.delete_messages([1])
    client.logout()
    connector = connect(dovecot_mailbox, through=proxy(dovecot_mailbox, hide=hidden), after="move", move_to="Done")
    start = connector.fetch(None).cursor
    dovecot_mailbox.deliver("a", "b", "c")
    batch = connector.fetch(start)
    # When
    connector.settle(batch)
    connector.settle(batch)
    # Then
    assert (folder(dovecot_mailbox, "INBOX"), folder(dovecot_mailbox, "Done")) == (1, 3)
    assert connector.fetch(batch.cursor).messages == ()


def test_without_uidplus_mail_is_copied_and_marked_but_nothing_is_expunged(dovecot_mailbox, connect, proxy):
    through = proxy(dovecot_mailbox, hide=(b"MOVE", b"UIDPLUS"))
    connector = connect(dovecot_mailbox, through=through, after="move", move_to="Done")
    start = connector.fetch(None).cursor
    dovecot_mailbox.deliver("a")
    connector.settle(connector.fetch(start))
    assert (folder(dovecot_mailbox, "INBOX", "DELETED"), folder(dovecot_mailbox, "Done")) == (1, 1)


@pytest.mark.parametrize("died", ["before settling", "with other mail waiting"])
def test_a_batch_that_was_kept_but_not_settled_is_settled_by_the_next_process(dovecot_mailbox, connect, died):
    # Given: a process that died between the commit and the post-action.
    first = connect(dovecot_mailbox, after="move", move_to="Done", page=2)
    start = first.fetch(None).cursor
    dovecot_mailbox.deliver(*("abcd" if died == "with other mail waiting" else "ab"))
    kept = first.fetch(start)
    # When
    batch = connect(dovecot_mailbox, after="move", move_to="Done", page=2).fetch(kept.cursor)
    # Then: its two mails are moved, those that are not stored yet are not.
    assert folder(dovecot_mailbox, "Done") == 2
    assert folder(dovecot_mailbox, "INBOX") == len(batch.messages) == (2 if died == "with other mail waiting" else 0)


def test_a_failing_move_is_reported_and_done_later(dovecot_mailbox, connect):
    # Given: the folder to move to does not exist yet.
    connector = connect(dovecot_mailbox, after="move", move_to="Later", page=2)
    start = connector.fetch(None).cursor
    dovecot_mailbox.deliver("a", "b", "c", "d")
    first = connector.fetch(start)
    with pytest.raises(OmniyardError, match="could not mark or move mail"):
        connector.settle(first)
    # When
    client = dovecot_mailbox.server.client(dovecot_mailbox.user)
    client.create_folder("Later")
    client.logout()
    connector.settle(connector.fetch(first.cursor))
    # Then
    assert folder(dovecot_mailbox, "Later") == 4


def test_a_settling_that_a_broken_connection_ends_is_done_later(dovecot_mailbox, connect, proxy):
    broken = proxy(dovecot_mailbox, rule=refusing(rb"UID STORE", b""))
    connector = connect(dovecot_mailbox, through=broken, after="seen")
    start = connector.fetch(None).cursor
    dovecot_mailbox.deliver("a")
    batch = connector.fetch(start)
    with pytest.raises(TransientError):
        connector.settle(batch)
    connect(dovecot_mailbox, after="seen").fetch(batch.cursor)
    assert folder(dovecot_mailbox, "INBOX", "SEEN") == 1


def test_uids_of_another_epoch_are_never_touched(dovecot_mailbox, connect):
    # Given: the mailbox is renumbered between the commit and the post-action.
    connector = connect(dovecot_mailbox, after="move", move_to="Done")
    start = connector.fetch(None).cursor
    dovecot_mailbox.deliver("a")
    batch = connector.fetch(start)
    connector.close()
    dovecot_mailbox.server.remove(dovecot_mailbox.user, [1])
    dovecot_mailbox.deliver("innocent")
    other = dovecot_mailbox.server.client(dovecot_mailbox.user, None)
    epoch = other.folder_status("INBOX", ["UIDVALIDITY"])[b"UIDVALIDITY"]
    other.logout()
    while True:
        dovecot_mailbox.server.renumber(dovecot_mailbox.user)
        other = dovecot_mailbox.server.client(dovecot_mailbox.user, None)
        changed = other.folder_status("INBOX", ["UIDVALIDITY"])[b"UIDVALIDITY"] != epoch
        other.logout()
        if changed:
            break
    # When
    with pytest.raises(TransientError, match="renumbered"):
        connector.settle(batch)
    # Then
    assert (folder(dovecot_mailbox, "INBOX"), folder(dovecot_mailbox, "Done")) == (1, 0)

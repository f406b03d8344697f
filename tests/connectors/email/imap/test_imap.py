"""The polled mailbox against real servers, well-behaved and misbehaving."""

from __future__ import annotations

import re
import threading
import time
from datetime import UTC, date, datetime, timedelta

import pytest

from connectors.base import Batch, Cursor
from connectors.email.imap.connector import ImapConnector
from router.errors import OmniyardError, PermanentError, TransientError
from router.settings.secret import Secret
from tests.connectors.conftest import mail
from tests.servers.mailproxies import HANG_UP, like_netease, refusing

FROM_NOW = "taking mail from now on"
# Seconds: no pause and no silence of these tests is over by itself so soon.
_BEFORE_ITS_TIME = 45


def subjects(batch: Batch) -> list[str]:
    """Return the Subject lines of a batch."""
    lines = (line for message in batch.messages for line in message.content.splitlines())
    return [line.removeprefix(b"Subject: ").decode() for line in lines if line.startswith(b"Subject: ")]


def read_all(connector: ImapConnector, cursor: Cursor | None) -> tuple[list[Batch], Cursor | None]:
    """Fetch until no message waits, as the daemon does."""
    batches = []
    while True:
        batch = connector.fetch(cursor)
        cursor = batch.cursor
        batches.append(batch)
        if not batch.more:
            return batches, cursor


def fetch_of(uid: int, items: bytes) -> bytes:
    """Return a pattern for commands that fetch this message, alone or among others."""
    return b"UID FETCH (\\S+,)?%d(,\\S+)? \\(%s" % (uid, items)


def test_an_empty_mailbox_gives_an_empty_batch_with_a_cursor(mailbox, connect):
    batch = connect(mailbox).fetch(None)
    assert (batch.messages, batch.more, batch.notice) == ((), False, FROM_NOW)
    assert batch.cursor is not None


def test_the_first_run_takes_no_old_mail_and_then_all_that_arrives(mailbox, connect):
    # Given
    mailbox.deliver("old")
    connector = connect(mailbox)
    start = connector.fetch(None)
    assert not start.messages
    # When
    mailbox.deliver("one", "two")
    batch = connector.fetch(start.cursor)
    # Then
    assert subjects(batch) == ["one", "two"]
    assert not batch.backfill
    epoch = batch.cursor.epoch
    assert [message.source_key for message in batch.messages] == [
        f"{epoch}:{mailbox.uid(2)}",
        f"{epoch}:{mailbox.uid(3)}",
    ]
    assert all(message.received_at.utcoffset() == timedelta(0) for message in batch.messages)


def test_nothing_new_is_an_empty_batch_although_the_last_mail_always_matches(mailbox, connect):
    mailbox.deliver("old")
    connector = connect(mailbox)
    batch = connector.fetch(connector.fetch(None).cursor)
    assert not batch.messages
    assert batch.held == 1


def test_an_old_cursor_gives_the_same_batch_again(mailbox, connect):
    connector = connect(mailbox)
    start = connector.fetch(None).cursor
    mailbox.deliver("one", "two")
    first, again = connector.fetch(start), connector.fetch(start)
    assert first.messages == again.messages
    other = connect(mailbox).fetch(start)
    assert first.messages == other.messages


def test_fetching_leaves_mail_unread(mailbox, connect):
    connector = connect(mailbox)
    start = connector.fetch(None).cursor
    mailbox.deliver("one")
    connector.fetch(start)
    client = mailbox.server.client(mailbox.user)
    assert client.search(["UNSEEN"]) == [mailbox.uid(1)]
    client.logout()


def test_five_thousand_waiting_mails_come_in_order(dovecot_mailbox, connect):
    # Given: an outage of a week.
    connector = connect(dovecot_mailbox)
    start = connector.fetch(None).cursor
    dovecot_mailbox.deliver(*(f"n{number}" for number in range(5_000)))
    # When
    batches, _ = read_all(connector, start)
    # Then
    assert [subject for batch in batches for subject in subjects(batch)] == [f"n{number}" for number in range(5_000)]
    assert batches[0].waiting == 4_900
    assert {len(batch.messages) for batch in batches} == {100}


def test_mail_that_waited_longer_than_stale_after_is_old_mail(dovecot_mailbox, connect):
    # Given: 36 hours of silence on our side.
    connector = connect(dovecot_mailbox)
    start = connector.fetch(None).cursor
    client = dovecot_mailbox.server.client(dovecot_mailbox.user)
    client.append("INBOX", b"Subject: waited\r\n\r\n", msg_time=datetime.now(UTC) - timedelta(hours=36))
    client.append("INBOX", b"Subject: fresh\r\n\r\n")
    client.logout()
    # Then
    batches, _ = read_all(connector, start)
    assert [(subjects(batch), batch.backfill) for batch in batches if batch.messages] == [
        (["waited"], True),
        (["fresh"], False),
    ]


def test_a_start_date_takes_the_mail_since_that_day_as_old_mail(mailbox, connect):
    # Given
    client = mailbox.server.client(mailbox.user)
    client.append("INBOX", b"Subject: ancient\r\n\r\n", msg_time=datetime(2020, 5, 1, 12, tzinfo=UTC))
    client.append("INBOX", b"Subject: since\r\n\r\n", msg_time=datetime(2021, 5, 1, 12, tzinfo=UTC))
    client.logout()
    connector = connect(mailbox, start=date(2021, 1, 1), page=1)
    # When
    batches, cursor = read_all(connector, None)
    mailbox.deliver("new")
    more, _ = read_all(connector, cursor)
    # Then
    assert [(subjects(batch), batch.backfill) for batch in batches if batch.messages] == [(["since"], True)]
    assert [(subjects(batch), batch.backfill) for batch in more if batch.messages] == [(["new"], False)]


def test_old_mail_goes_on_where_it_stopped_in_another_process(mailbox, connect):
    mailbox.deliver("a", "b", "c")
    first = connect(mailbox, start=date(2021, 1, 1), page=1).fetch(None)
    mailbox.deliver("new")
    batches, _ = read_all(connect(mailbox, start=date(2021, 1, 1)), first.cursor)
    assert [(subjects(batch), batch.backfill) for batch in batches if batch.messages] == [
        (["b", "c"], True),
        (["new"], False),
    ]


def test_a_renumbered_mailbox_is_read_again_as_old_mail_with_a_notice(dovecot_mailbox, connect):
    # Given
    connector = connect(dovecot_mailbox)
    start = connector.fetch(None).cursor
    dovecot_mailbox.deliver("one", "two")
    kept = connector.fetch(start)
    connector.close()
    # When
    time.sleep(1.1)  # UIDVALIDITY changes once a second.
    dovecot_mailbox.server.renumber(dovecot_mailbox.user)
    batches, cursor = read_all(connector, kept.cursor)
    dovecot_mailbox.deliver("three")
    after, _ = read_all(connector, cursor)
    # Then
    assert cursor.epoch != kept.cursor.epoch
    assert "renumbered" in batches[0].notice
    assert [(subjects(batch), batch.backfill) for batch in batches if batch.messages] == [(["one", "two"], True)]
    assert [(subjects(batch), batch.backfill) for batch in after if batch.messages] == [(["three"], False)]


def test_mail_deleted_between_search_and_fetch_is_left_out_and_named(dovecot_mailbox, connect):
    mailbox = dovecot_mailbox
    # Given: the second batch is known to the connector by its UIDs already.
    connector = connect(mailbox, page=2)
    start = connector.fetch(None).cursor
    mailbox.deliver("a", "b", "c", "d")
    first = connector.fetch(start)
    # When
    mailbox.server.remove(mailbox.user, [mailbox.uid(3)])
    second = connector.fetch(first.cursor)
    # Then
    assert subjects(second) == ["d"]
    assert "1 messages were deleted" in second.notice


def test_a_mail_that_the_server_refuses_is_a_message_with_a_defect(mailbox, connect, proxy):
    through = proxy(mailbox, rule=refusing(fetch_of(mailbox.uid(2), b"BODY.PEEK\\[\\]")))
    connector = connect(mailbox, through=through)
    start = connector.fetch(None).cursor
    mailbox.deliver("a", "b", "c")
    batch = connector.fetch(start)
    assert subjects(batch) == ["a", "b", "c"]
    assert [bool(message.defect) for message in batch.messages] == [False, True, False]
    assert b"Hello" not in batch.messages[1].content


def test_a_mail_of_which_nothing_can_be_had_is_an_empty_message_with_a_defect(mailbox, connect, proxy):
    through = proxy(mailbox, rule=refusing(fetch_of(mailbox.uid(2), b"BODY.PEEK")))
    connector = connect(mailbox, through=through)
    start = connector.fetch(None).cursor
    mailbox.deliver("a", "b", "c")
    batch = connector.fetch(start)
    assert [message.content == b"" for message in batch.messages] == [False, True, False]
    assert f"UID {mailbox.uid(2)}" in batch.messages[1].defect


def test_a_server_that_hands_out_nothing_for_now_makes_no_mail_a_defect(mailbox, connect, proxy):
    start = connect(mailbox).fetch(None).cursor
    mailbox.deliver("a", "b", "c")
    busy = proxy(mailbox, rule=refusing(rb"BODY\.PEEK", b" NO [UNAVAILABLE] Try again later\r\n"))

    with pytest.raises(TransientError, match="nor any other"):
        connect(mailbox, through=busy).fetch(start)

    assert [message.defect for message in connect(mailbox).fetch(start).messages] == ["", "", ""]


def test_a_mail_that_breaks_the_connection_holds_up_no_other(mailbox, connect, proxy):
    # Given: the server hangs up whenever it is asked for the second mail.
    through = proxy(mailbox, rule=refusing(fetch_of(mailbox.uid(2), b"BODY"), HANG_UP))
    connector = connect(mailbox, through=through)
    cursor = connector.fetch(None).cursor
    mailbox.deliver("a", "b", "c")
    # When
    messages, failures = [], 0
    while len(messages) < 3:
        try:
            batch = connector.fetch(cursor)
        except TransientError:
            failures += 1
            continue
        messages += batch.messages
        cursor = batch.cursor
    # Then
    assert [bool(message.content) for message in messages] == [True, False, True]
    assert "connection broke" in messages[1].defect
    assert failures <= 6


def test_of_an_oversized_mail_only_the_header_is_fetched(mailbox, connect):
    connector = connect(mailbox, largest=2_000)
    start = connector.fetch(None).cursor
    mailbox.server.deliver(mailbox.user, [b"Subject: huge\r\n\r\n" + b"x" * 60 + b"\r\n" + b"y" * 3_000])
    mailbox.deliver("small")
    batch = connector.fetch(start)
    assert subjects(batch) == ["huge", "small"]
    assert b"yyy" not in batch.messages[0].content
    assert "more than the 2000" in batch.messages[0].defect
    assert not batch.messages[1].defect


def test_a_batch_holds_no_more_bytes_than_fit_into_memory(dovecot_mailbox, connect):
    connector = connect(dovecot_mailbox)
    start = connector.fetch(None).cursor
    huge = b"Subject: large\r\n\r\n" + (b"z" * 76 + b"\r\n") * 170_000
    dovecot_mailbox.server.deliver(dovecot_mailbox.user, [huge] * 4)
    batches, _ = read_all(connector, start)
    # Two would fit into memory; new mail may come between the batches.
    assert [len(batch.messages) for batch in batches if batch.messages] == [1, 1, 1, 1]


def large(subject: str) -> bytes:
    """Return a mail of a megabyte."""
    return mail(subject, (b"z" * 76 + b"\r\n").decode() * 14_000)


def test_small_mail_overtakes_much_large_mail_and_nothing_is_lost_or_doubled(dovecot_mailbox, connect):
    connector = connect(dovecot_mailbox)
    start = connector.fetch(None).cursor
    dovecot_mailbox.server.deliver(
        dovecot_mailbox.user, [mail("first"), *(large(f"large {n}") for n in range(6)), mail("last")]
    )
    first = connector.fetch(start)
    assert (subjects(first), first.more, first.cursor) == (["last"], True, start)
    # A new mail overtakes as well.
    batch = connector.fetch(first.cursor)
    assert subjects(batch) == ["first", "large 0", "large 1", "large 2"]
    dovecot_mailbox.deliver("newest")
    assert subjects(connector.fetch(batch.cursor)) == ["newest"]
    batches, end = read_all(connector, batch.cursor)
    assert [subjects(batch) for batch in batches] == [["large 3", "large 4", "large 5"]]
    # The cursor passes what overtook, and another process finds nothing to take again.
    end = connector.fetch(end).cursor
    assert subjects(connect(dovecot_mailbox).fetch(end)) == []


def test_what_overtook_comes_again_with_its_key_if_the_process_died(dovecot_mailbox, connect):
    start = connect(dovecot_mailbox).fetch(None).cursor
    dovecot_mailbox.server.deliver(dovecot_mailbox.user, [*(large(f"large {n}") for n in range(3)), mail("small")])
    died = connect(dovecot_mailbox).fetch(start)
    batches, _ = read_all(connect(dovecot_mailbox), died.cursor)
    assert [subjects(batch) for batch in batches] == [["small"], ["large 0", "large 1", "large 2"]]
    assert batches[0].messages[0].source_key == died.messages[0].source_key


def test_a_batch_that_was_not_stored_is_taken_again_though_it_overtook(dovecot_mailbox, connect):
    connector = connect(dovecot_mailbox)
    start = connector.fetch(None).cursor
    dovecot_mailbox.server.deliver(dovecot_mailbox.user, [*(large(f"large {n}") for n in range(3)), mail("small")])
    assert subjects(connector.fetch(start)) == ["small"]
    # As the daemon does after each failure of the store.
    connector.close()
    assert subjects(connector.fetch(start)) == ["small"]


def test_a_few_large_mails_stay_in_order(dovecot_mailbox, connect):
    connector = connect(dovecot_mailbox)
    start = connector.fetch(None).cursor
    dovecot_mailbox.server.deliver(dovecot_mailbox.user, [large("photograph"), mail("small")])
    assert subjects(connector.fetch(start)) == ["photograph", "small"]


def test_a_connection_that_breaks_in_the_middle_of_a_mail_loses_nothing(mailbox, connect, proxy):
    # Given
    start = connect(mailbox).fetch(None).cursor
    mailbox.deliver(*(f"m{number}" for number in range(30)))
    through = proxy(mailbox, cut_after=4_000)
    connector = connect(mailbox, through=through)
    # When
    with pytest.raises(TransientError):
        connector.fetch(start)
    through.cut_after = None
    batches, _ = read_all(connector, start)
    # Then
    assert [subject for batch in batches for subject in subjects(batch)] == [f"m{number}" for number in range(30)]


def test_a_wrong_password_says_what_to_do(mailbox, connect, monkeypatch):
    monkeypatch.setenv("WRONG", "hunter2")
    connector = connect(mailbox, password=Secret("env:WRONG"))
    with pytest.raises(PermanentError, match="user name or password is refused") as caught:
        connector.fetch(None)
    assert "hunter2" not in str(caught.value)
    assert mailbox.user not in str(caught.value)
    health = connector.probe()
    assert not health.ok
    assert "refused" in health.findings[0]


@pytest.mark.parametrize(
    ("username", "hint"),
    [
        ("wallet@163.com", "authorisation code"),
        ("10001@qq.com", "authorisation code"),
        ("support@outlook.com", "oauth_token"),
        ("support@gmail.com", "app password"),
    ],
)
def test_a_refused_login_has_a_hint_for_the_provider(dovecot_mailbox, connect, monkeypatch, username, hint):
    monkeypatch.setenv("WRONG", "hunter2")
    dovecot_mailbox.user = username
    with pytest.raises(PermanentError, match=hint):
        connect(dovecot_mailbox, password=Secret("env:WRONG")).fetch(None)


def test_a_server_that_is_not_there_will_be_tried_again(mailbox, connect, proxy):
    gone = proxy(mailbox)
    connector = connect(mailbox, through=gone)
    gone.stop()
    with pytest.raises(TransientError, match="could not"):
        connector.fetch(None)


def test_a_folder_that_is_not_there_says_so(mailbox, connect):
    with pytest.raises(OmniyardError, match="could not read mail"):
        connect(mailbox, folder="Nowhere").fetch(None)


def test_a_provider_like_netease_gets_our_identification(mailbox, connect, proxy):
    through = proxy(mailbox, rule=like_netease)
    assert connect(mailbox, through=through).fetch(None).notice == FROM_NOW


def test_a_provider_like_netease_that_hides_id_says_unsafe_login_in_our_words(mailbox, connect, proxy):
    through = proxy(mailbox, rule=like_netease, hide=(b"ID",))
    with pytest.raises(PermanentError, match="calls the login unsafe"):
        connect(mailbox, through=through).fetch(None)


def test_tls_trusts_the_authority_that_is_named_and_no_other(dovecot_mailbox, connect):
    secure = {"security": "tls", "port": dovecot_mailbox.server.tls_port}
    trusted = connect(dovecot_mailbox, ca_file=str(dovecot_mailbox.server.ca_file), **secure)
    assert trusted.fetch(None).notice == FROM_NOW
    with pytest.raises(PermanentError, match=r"not trusted.*ca_file"):
        connect(dovecot_mailbox, **secure).fetch(None)


def test_an_authority_that_cannot_be_read_is_named(dovecot_mailbox, connect, tmp_path):
    with pytest.raises(PermanentError, match=r"none\.pem"):
        connect(dovecot_mailbox, security="starttls", ca_file=str(tmp_path / "none.pem")).fetch(None)


def test_starttls_is_checked_as_well(dovecot_mailbox, connect):
    trusted = connect(dovecot_mailbox, security="starttls", ca_file=str(dovecot_mailbox.server.ca_file))
    assert trusted.fetch(None).notice == FROM_NOW
    with pytest.raises(PermanentError, match="not trusted"):
        connect(dovecot_mailbox, security="starttls").fetch(None)


def test_a_token_logs_in_and_an_expired_one_says_so(dovecot_mailbox, connect, monkeypatch):
    monkeypatch.setenv("TOKEN", dovecot_mailbox.server.token(dovecot_mailbox.user))
    connector = connect(dovecot_mailbox, oauth_token=Secret("env:TOKEN"))
    assert connector.fetch(None).notice == FROM_NOW
    # The token is read again at each login, so one that was renewed meanwhile works without a restart.
    connector.close()
    monkeypatch.setenv("TOKEN", dovecot_mailbox.server.token(dovecot_mailbox.user, lives=-60))
    with pytest.raises(PermanentError, match="token is refused or has expired"):
        connector.fetch(None)


def test_a_server_with_oauthbearer_alone_gets_that(dovecot_mailbox, connect, proxy, monkeypatch):
    monkeypatch.setenv("TOKEN", dovecot_mailbox.server.token(dovecot_mailbox.user))
    through = proxy(dovecot_mailbox, hide=(b"XOAUTH2",))
    assert connect(dovecot_mailbox, through=through, oauth_token=Secret("env:TOKEN")).fetch(None).notice == FROM_NOW


def test_a_mail_that_arrives_during_a_wait_ends_it(mailbox, connect):
    connector = connect(mailbox)
    start = connector.fetch(None).cursor
    arrival = threading.Timer(0.3, mailbox.server.append, (mailbox.user, [b"Subject: hint\r\n\r\n"]))
    arrival.start()
    began = time.monotonic()
    connector.wait(600)
    waited = time.monotonic() - began
    arrival.join()
    assert waited < _BEFORE_ITS_TIME
    assert subjects(connector.fetch(start)) == ["hint"]


def test_mail_that_was_announced_with_another_answer_is_not_waited_for(dovecot_mailbox, connect):
    # Given: the server mentions the third mail while it answers the fetch of the second, and never again.
    connector = connect(dovecot_mailbox, page=1)
    start = connector.fetch(None).cursor
    dovecot_mailbox.deliver("one", "two")
    batch = connector.fetch(start)
    dovecot_mailbox.server.append(dovecot_mailbox.user, [b"Subject: three\r\n\r\n"])
    batch = connector.fetch(batch.cursor)
    assert (subjects(batch), batch.more) == (["two"], False)
    # When
    began = time.monotonic()
    connector.wait(600)
    # Then
    assert time.monotonic() - began < _BEFORE_ITS_TIME
    assert subjects(connector.fetch(batch.cursor)) == ["three"]


def test_mail_that_comes_right_behind_another_is_not_waited_for(mailbox, connect):
    connector = connect(mailbox, idle=False)
    batch = connector.fetch(connector.fetch(None).cursor)
    mailbox.deliver("one")
    batch = connector.fetch(batch.cursor)
    assert subjects(batch) == ["one"]
    mailbox.deliver("two")
    # Without a look at the server the test would reach its time limit.
    connector.wait(3600)
    assert subjects(connector.fetch(batch.cursor)) == ["two"]


def test_a_wait_without_idle_lasts_as_long_as_asked(mailbox, connect):
    connector = connect(mailbox, idle=False)
    connector.fetch(None)
    began = time.monotonic()
    connector.wait(0.4)
    assert 0.4 <= time.monotonic() - began < _BEFORE_ITS_TIME


def test_an_idle_connection_that_ends_causes_no_hot_loop(mailbox, connect, proxy):
    # Given
    through = proxy(mailbox, rule=idle_then_nothing)
    connector = connect(mailbox, through=through)
    start = connector.fetch(None).cursor
    # When
    began = time.monotonic()
    for _ in range(3):
        connector.wait(0.3)
        connector.fetch(start)
    # Then: the whole time was waited, each broken connection was opened once, and the third one ended the use of IDLE.
    assert time.monotonic() - began >= 0.9
    assert through.connections == 4
    connector.wait(0.3)
    connector.fetch(start)
    assert through.connections == 4


def idle_then_nothing():
    """Enter IDLE as asked, and hang up at the next command or at once."""

    def rule(tag: bytes, command: bytes) -> bytes | None:
        return HANG_UP if command.startswith(b"IDLE") else None

    return rule


def test_close_from_another_thread_ends_a_wait(mailbox, connect):
    connector = connect(mailbox)
    connector.fetch(None)
    closing = threading.Timer(0.3, connector.close)
    closing.start()
    began = time.monotonic()
    connector.wait(600)
    assert time.monotonic() - began < _BEFORE_ITS_TIME
    closing.join()


@pytest.mark.parametrize("security", ["none", "tls"])
def test_close_from_another_thread_ends_a_fetch(dovecot_mailbox, connect, proxy, security):
    # Given: a server that takes the question and never answers it.
    server = dovecot_mailbox.server
    through = proxy(dovecot_mailbox, port=server.tls_port if security == "tls" else server.port)
    connector = connect(dovecot_mailbox, through=through, security=security, ca_file=str(server.ca_file))
    cursor = connector.fetch(None).cursor
    through.stalled.set()
    closing = threading.Timer(0.3, connector.close)
    closing.start()
    began = time.monotonic()
    # When
    with pytest.raises(TransientError):
        connector.fetch(cursor)
    # Then: and it works again afterwards.
    assert time.monotonic() - began < _BEFORE_ITS_TIME
    closing.join()
    through.stalled.clear()
    assert connector.fetch(cursor).cursor == cursor


def test_a_cursor_that_was_written_by_hand_and_wrongly_is_refused(mailbox, connect):
    connector = connect(mailbox)
    epoch = connector.fetch(None).cursor.epoch
    with pytest.raises(PermanentError, match="not a position in a mailbox"):
        connector.fetch(Cursor(epoch, "yesterday"))


def test_a_probe_says_what_is_there_and_changes_nothing(mailbox, connect):
    mailbox.deliver("one")
    health = connect(mailbox).probe()
    assert health.ok
    assert "holds 1 messages" in health.findings[0]
    missing = connect(mailbox, after="move", move_to="Nowhere").probe()
    assert not missing.ok
    assert "create it" in missing.findings[-1]


def test_uids_may_be_far_apart(dovecot_mailbox, connect, proxy):
    # Given: a mailbox whose next UID is a timestamp in disguise.
    dovecot_mailbox.deliver("a")
    connect(dovecot_mailbox).fetch(None)
    uids = dovecot_mailbox.server.maildirs / dovecot_mailbox.user / "dovecot-uidlist"
    uids.write_text(re.sub(r" N\d+ ", " N4000000000 ", uids.read_text(), count=1))
    for index in uids.parent.glob("dovecot.index*"):
        index.unlink()
    dovecot_mailbox.deliver("b")
    through = proxy(dovecot_mailbox)
    # When
    batches, _ = read_all(connect(dovecot_mailbox, through=through, start=date(2021, 1, 1)), None)
    # Then
    assert [subject for batch in batches for subject in subjects(batch)] == ["a", "b"]
    assert batches[0].messages[1].source_key.endswith(":4000000000")
    assert through.questions < 50


def test_a_server_that_offers_no_starttls_is_not_spoken_to_in_plain_text(dovecot_mailbox, connect, proxy):
    through = proxy(dovecot_mailbox, hide=(b"STARTTLS",))
    with pytest.raises(PermanentError, match="STARTTLS"):
        connect(dovecot_mailbox, through=through, security="starttls").fetch(None)


def test_a_provider_with_too_many_connections_is_a_transient_error(mailbox, connect, proxy):
    busy = refusing(rb"^LOGIN", b" NO [ALERT] Too many simultaneous connections. (Failure)\r\n")
    with pytest.raises(TransientError, match="accepts no login now"):
        connect(mailbox, through=proxy(mailbox, rule=busy)).fetch(None)


def test_a_server_that_wants_no_introduction_is_read_all_the_same(mailbox, connect, proxy):
    through = proxy(mailbox, rule=refusing(rb"^ID "))
    assert connect(mailbox, through=through).fetch(None).notice == FROM_NOW

"""Many senders at once: batches of many mails, and addresses that are read without the library's grammar."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiosmtpd.smtp import SMTP

from connectors.base import Batch, utc_now
from connectors.email.smtp import group_commit, session
from connectors.email.smtp.group_commit import KEPT, GroupCommit
from connectors.email.smtp.session import Limited


async def _sent(gathering: GroupCommit, number: int) -> str:
    await asyncio.sleep(0.002 * number)
    return await gathering.keep(b"%d" % number)


async def _batches(*, talking: int, mails: int) -> list[int]:
    """Return how many mails each batch has: one mail alone, then `mails` that come one soon after another."""
    batches: list[Batch] = []
    with ThreadPoolExecutor(1) as thread:
        gathering = GroupCommit("mail", accept=batches.append, thread=thread, clock=utc_now, talking=lambda: talking)
        running = asyncio.create_task(gathering.run())
        assert await gathering.keep(b"first") == KEPT
        assert set(await asyncio.gather(*(_sent(gathering, number) for number in range(mails)))) == {KEPT}
        running.cancel()
    return [len(batch.messages) for batch in batches]


def test_the_first_mail_after_a_silence_is_kept_at_once_and_a_batch_waits_for_those_that_talk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_commit, "_PACE_SECONDS", 60.0)
    assert asyncio.run(_batches(talking=8, mails=8)) == [1, 8]


def test_a_batch_does_not_wait_longer_than_its_pace_for_those_that_talk() -> None:
    assert sum(asyncio.run(_batches(talking=100, mails=5))) == 6


ADDRESSES = (
    "<li@customer.example>",
    "<Li.Wei+x-1=y@mail.Customer.example> SIZE=100 BODY=8BITMIME",
    "<li@customer.example> ",
    "<li@customer.example>  SIZE=1",
    "<li@customer.example> (a comment) SIZE=1",
    "<li@customer.example>SIZE=1",
    "<li@[192.0.2.1]>",
    "<li@localhost>",
    "<@relay.example:li@customer.example>",
    "<>",
    "<> SIZE=1",
    "",
    " <li@customer.example>",
    "< li@customer.example >",
    "li@customer.example",
    "li@customer.example SIZE=1",
    '<"li wei"@customer.example>',
    "<李@例子.example>",
    "<li..wei@customer.example>",
    "<.li@customer.example>",
    "<li@customer..example>",
    "<li@-customer.example>",
    "<li@customer.example",
    "<li@>",
    "<li>",
    "<li@a@b>",
    f"<{'x' * 65}@customer.example>",
    f"<{'x' * 40}.{'y' * 40}@customer.example>",
    f"<li@{'x' * 64}.example>",
    "<li_2@customer_2.example>",
    "<li@customer.example> \nSIZE=1",
    "<li@customer.example>\n",
)


@pytest.mark.parametrize("limit", [0, 64])
def test_a_plain_address_reads_as_the_library_reads_it(limit: int) -> None:
    protocol = Limited.__new__(Limited)
    protocol.local_part_limit = limit
    for argument in ADDRESSES:
        assert Limited._getaddr(protocol, argument) == SMTP._getaddr(protocol, argument), argument
    assert sum(session._PLAIN_ADDRESS.match(argument) is not None for argument in ADDRESSES) >= 4

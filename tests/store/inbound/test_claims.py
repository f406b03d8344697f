"""Claims: an attempt counts before the work, one worker at a time, and a suspended one writes nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from router.errors import LeaseLost
from store.db.bulk import table_of
from store.db.engine import Database
from store.inbound import claims
from store.inbound.claims import Claim
from store.tables.messages import InboundRow, InboundState
from tests.store.accepted import column, delivery, keep


def claim_batch(database: Database, *, limit: int = 100) -> Claim:
    with database.write() as connection:
        return claims.claim_batch(connection, limit=limit)


def claim_alone(database: Database) -> Claim:
    with database.write() as connection:
        return claims.claim_alone(connection)


def let_leases_end(database: Database) -> None:
    table = table_of(InboundRow)
    with database.write() as connection:
        past = claims.read_clock(connection) - timedelta(seconds=1)
        connection.execute(sa.update(table).where(table.c.lease_until.is_not(None)).values(lease_until=past))


@pytest.fixture
def three(database: Database) -> Database:
    keep(database, *(delivery(f"1:{uid}", str(uid).encode()) for uid in range(3)))
    return database


def test_a_claimed_row_belongs_to_one_worker(three: Database) -> None:
    assert len(claim_batch(three, limit=2).rows) == 2
    assert len(claim_batch(three).rows) == 1
    assert claim_batch(three).rows == ()


def keep_weights(database: Database, *weights: int) -> None:
    keep(database, *(replace(delivery(f"1:{uid}", b"x%d" % uid), weight=each) for uid, each in enumerate(weights)))


def weights_of(claim: Claim) -> list[int]:
    return [row.weight for row in claim.rows]


def test_a_batch_is_full_by_weight_as_well_as_by_number(database: Database) -> None:
    keep_weights(database, 5, *[60_000] * 9, 5, 5)

    batches = [weights_of(claim_batch(database)) for _ in range(3)]
    assert batches == [[5, *[60_000] * 8], [60_000, 5, 5], []]


def test_heavy_messages_are_claimed_alone_and_after_light_ones(database: Database) -> None:
    keep_weights(database, 400_000, 70_000, 5, 400_001, 6)

    batches = [weights_of(claim_batch(database)) for _ in range(5)]
    assert batches == [[5, 6], [400_000], [70_000], [400_001], []]


def test_a_large_file_makes_no_message_heavy(database: Database) -> None:
    # A person in danger sends a photograph.
    photograph = replace(delivery("1:1", b"photograph"), size=20_000_000, weight=900)
    keep(database, replace(delivery("1:0", b"page"), weight=400_000), photograph)

    assert [row.size for row in [*claim_batch(database).rows, *claim_batch(database).rows]] == [20_000_000, 4]


def test_a_heavy_message_is_claimed_whatever_light_ones_are_due_when_it_is_its_turn(database: Database) -> None:
    keep_weights(database, 5, 400_000, 400_001)

    with database.write() as connection:
        assert weights_of(claims.claim_heavy(connection)) == [400_000]


def test_of_the_messages_that_failed_a_light_one_comes_first(database: Database) -> None:
    keep_weights(database, 400_000, 5)
    for _ in range(2):
        claim_batch(database)
    let_leases_end(database)

    assert [weights_of(claim_alone(database)) for _ in range(3)] == [[5], [400_000], []]


def test_a_claim_counts_before_any_work(three: Database) -> None:
    claim_batch(three)

    assert column(three, "attempts") == [1, 1, 1]


def test_after_a_death_each_message_goes_alone(three: Database) -> None:
    claim_batch(three)
    let_leases_end(three)

    assert claim_batch(three).rows == ()
    assert [len(claim_alone(three).rows) for _ in range(4)] == [1, 1, 1, 0]


def test_a_worker_that_froze_past_its_lease_changes_nothing(three: Database) -> None:
    frozen = claim_batch(three)
    let_leases_end(three)
    for _ in range(3):
        claim_alone(three)

    with pytest.raises(LeaseLost), three.write() as connection:
        claims.hold(connection, frozen)
    with three.write() as connection:
        claims.quarantine(connection, frozen, reason="late")

    assert column(three, "state") == ["received"] * 3


def test_what_is_finished_is_never_claimed_again(three: Database) -> None:
    claimed = claim_batch(three)
    with three.write() as connection:
        claims.hold(connection, claimed)
        claims.finish(connection, claimed, state=InboundState.ROUTED, ids=claimed.ids)
    let_leases_end(three)

    assert claim_batch(three).rows == ()
    assert claim_alone(three).rows == ()


def test_a_failure_of_the_house_is_no_attempt(three: Database) -> None:
    claimed = claim_batch(three)
    with three.write() as connection:
        claims.forget_attempt(connection, claimed, reason="the database was away", wait=timedelta(0))

    assert column(three, "reason") == ["the database was away"] * 3
    assert len(claim_batch(three).rows) == 3


def test_what_is_given_back_waits_its_time(three: Database) -> None:
    claimed = claim_batch(three)
    with three.write() as connection:
        claims.give_back(connection, claimed, reason="ValueError while routing", wait=timedelta(minutes=5))

    assert claim_alone(three).rows == ()
    assert set(column(three, "reason")) == {"ValueError while routing"}


def test_a_batch_of_the_bell_is_filled_up_with_the_oldest(three: Database) -> None:
    last = max(column(three, "id"))

    with three.write() as connection:
        batch = claims.claim_batch(connection, limit=2, ids=[last])

    assert len(batch.rows) == 2
    assert last in batch.ids


def keep_urgent(database: Database, *kinds: str) -> None:
    """Keep one message a kind: "urgent", "heavy urgent", or anything else for an ordinary one."""
    keep(
        database,
        *(
            replace(
                delivery(f"1:{at}", b"x%d" % at), weight=400_000 if "heavy" in kind else at, urgent="urgent" in kind
            )
            for at, kind in enumerate(kinds)
        ),
    )


def test_urgent_messages_come_before_all_that_wait_in_batches_of_their_own(database: Database) -> None:
    keep_urgent(database, "heavy", "plain", "heavy urgent", "plain", "urgent", "urgent")

    batches = [weights_of(claim_batch(database)) for _ in range(5)]
    assert batches == [[4, 5], [400_000], [1, 3], [400_000], []]


def test_ordinary_messages_are_claimed_by_age_though_urgent_ones_never_end(database: Database) -> None:
    keep_urgent(database, "plain", "plain", *["urgent"] * 100)

    with database.write() as connection:
        assert weights_of(claims.claim_ordinary(connection, limit=2)) == [0, 1]
    assert len(claim_batch(database).rows) == 100


def test_after_a_death_an_urgent_message_goes_alone_before_the_others(database: Database) -> None:
    keep_urgent(database, "plain", "plain", "urgent")
    for _ in range(2):
        claim_batch(database)
    let_leases_end(database)

    assert [weights_of(claim_alone(database)) for _ in range(4)] == [[2], [0], [1], []]


def test_an_accepted_batch_says_whether_something_in_it_is_urgent(database: Database) -> None:
    urgent = replace(delivery("1:1"), urgent=True)

    assert not keep(database, delivery("1:0", b"other")).urgent
    assert keep(database, urgent).urgent
    # A redelivery adds nothing that could be urgent.
    assert not keep(database, urgent).urgent

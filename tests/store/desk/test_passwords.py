"""Passwords, second factors and absences, on both databases."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from router.errors import NotFound, PermanentError
from store.db.bulk import table_of
from store.db.engine import Database, read_clock
from store.desk.agents import add_agent, find_by_name, revoke_agent
from store.desk.assignment import lock_on_duty, set_absence, set_duty
from store.desk.passwords import check_password, forget_second_factor, new_secret, renew_hash, set_password, use_code
from store.tables.agents import AgentRow
from tests.authenticator import code_at

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
# RFC 6238, Appendix B: the test vectors for SHA-1, of which our codes are the last six digits.
VECTORS = {59: "287082", 1111111109: "081804", 1234567890: "005924", 20000000000: "353130"}

PASSWORD = "correct horse battery"


def test_codes_are_those_of_the_standard(database: Database) -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    with database.write() as connection:
        agent, _ = add_agent(connection, name="Ming", role="agent")
        for at, code in VECTORS.items():
            now = datetime.fromtimestamp(at, UTC)
            assert use_code(connection, agent, code=code, now=now, offered=secret), at


def test_a_password_and_a_code_that_counts_once(database: Database) -> None:
    with database.write() as connection:
        agent, _ = add_agent(connection, name="Ming", role="agent")
        for wrong in ("short", "x" * 201, "Ming" * 50 + "x"):
            with pytest.raises(PermanentError):
                set_password(connection, name="Ming", password=wrong)
        with pytest.raises(NotFound):
            set_password(connection, name="Unknown", password="long enough")
        assert check_password(connection, name="Ming", password="") is None
        set_password(connection, name="Ming", password="正确的密码 horse battery")
        assert find_by_name(connection, "Ming") != agent  # the seal has changed: sessions end
        for name, password in (("Ming", "wrong password"), ("ming", "正确的密码 horse battery"), ("Li", "x" * 12)):
            assert check_password(connection, name=name, password=password) is None
        found = check_password(connection, name=" Ming ", password="正确的密码 horse battery")
    assert found is not None
    assert found.secret == ""

    secret, other = new_secret(), new_secret()
    with database.write() as connection:
        assert not use_code(connection, found.agent, code="000000", now=NOW, offered=secret)
        assert use_code(connection, found.agent, code=code_at(secret, now=NOW), now=NOW, offered=secret)
        # Neither again, nor with another secret that is offered now.
        assert not use_code(connection, found.agent, code=code_at(secret, now=NOW), now=NOW)
        later = NOW + timedelta(seconds=30)
        assert not use_code(connection, found.agent, code=code_at(other, now=later), now=later, offered=other)
        assert use_code(connection, found.agent, code=f" {code_at(secret, now=later)} ", now=later)
        assert not use_code(connection, found.agent, code=code_at(secret, now=NOW), now=later)
        forget_second_factor(connection, name="Ming")
        revoke_agent(connection, name="Ming")
        assert check_password(connection, name="Ming", password="正确的密码 horse battery") is None


def test_what_a_guess_of_a_password_costs(database: Database) -> None:
    with database.write() as connection:
        add_agent(connection, name="Ming", role="agent")
        set_password(connection, name="Ming", password=PASSWORD)
        _, salt, known = stored_hash(connection).split("$")
    assert len(bytes.fromhex(salt)) == 16
    assert scrypt(salt, p=2) == known


def test_a_password_of_an_older_version_is_known_and_hashed_again(database: Database) -> None:
    salt, table = "00" * 16, table_of(AgentRow)
    with database.write() as connection:
        add_agent(connection, name="Ming", role="agent")
        older = f"{salt}${scrypt(salt, p=1)}"
        connection.execute(sa.update(table).values(password_hash=older))
        before = find_by_name(connection, "Ming")
        assert check_password(connection, name="Ming", password="wrong horse battery") is None
        assert stored_hash(connection) == older
        found = check_password(connection, name="Ming", password=PASSWORD)
        assert found is not None
        assert found.has_older_hash
        renew_hash(connection, name="Ming", password=PASSWORD)
        assert stored_hash(connection).startswith("2$")
        renewed = check_password(connection, name="Ming", password=PASSWORD)
        assert renewed is not None
        assert not renewed.has_older_hash
        assert find_by_name(connection, "Ming") == before  # the sessions go on


def stored_hash(connection: Connection) -> str:
    return str(connection.execute(sa.select(table_of(AgentRow).c.password_hash)).scalar_one())


def scrypt(salt: str, *, p: int) -> str:
    return hashlib.scrypt(PASSWORD.encode(), salt=bytes.fromhex(salt), n=2**16, r=8, p=p, maxmem=2**28).hex()


def test_an_absent_agent_gets_no_work(database: Database) -> None:
    with database.write() as connection:
        add_agent(connection, name="Ming", role="agent")
        set_duty(connection, name="Ming", available=True)
        now, hour = read_clock(connection), timedelta(hours=1)
        spans = {
            "none": (None, None),
            "over": (now - 2 * hour, now - hour),
            "now": (now - hour, now + hour),
            "from at once": (None, now + hour),
            "later": (now + hour, now + 2 * hour),
        }
        there = {}
        for name, (away_from, away_until) in spans.items():
            set_absence(connection, name="Ming", away_from=away_from, away_until=away_until)
            there[name] = bool(lock_on_duty(connection))
        assert there == {"none": True, "over": True, "now": False, "from at once": False, "later": True}
        with pytest.raises(PermanentError):
            set_absence(connection, name="Ming", away_from=now, away_until=now)

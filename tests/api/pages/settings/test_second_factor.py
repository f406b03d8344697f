"""Recovery codes stand in for a lost authenticator: shown once, used once, counted, renewed against a code."""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.agents import add_agent
from store.desk.passwords import forget_second_factor, set_password
from store.tables.agents import AgentRow, RecoveryCodeRow
from store.tables.operations import AuditRow
from tests.api.conftest import MovingClock
from tests.api.pages.settings_page import PASSWORD, found, send
from tests.app_client import AppClient
from tests.authenticator import code_at

CODE = re.compile(r"<li><code>([a-z2-7-]{19})</code>")


@pytest.fixture
def agent_id(quick_passwords: None, database: Database) -> str:
    with database.write() as connection:
        added, _ = add_agent(connection, name="Li Na", role="agent")
        set_password(connection, name="Li Na", password=PASSWORD)
    return str(added.id)


@pytest.fixture
def browser(app: Any, portal: Any) -> AppClient:
    return AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": "en"})


def ticket_of(browser: AppClient) -> tuple[str, str]:
    step = send(browser, "/sign-in/password", name="Li Na", password=PASSWORD).text
    return step, found(r'name="ticket" value="([^"]+)"', step)


def enrol(browser: AppClient, clock: MovingClock) -> tuple[str, list[str]]:
    step, ticket = ticket_of(browser)
    secret = found(r'id="secret">([^<]+)<', step).replace(" ", "")
    page = send(browser, "/sign-in/code", ticket=ticket, code=code_at(secret, now=clock())).text
    return secret, CODE.findall(page)


def test_a_password_that_an_older_version_hashed_is_hashed_again(
    browser: AppClient, database: Database, agent_id: str
) -> None:
    agents, salt = table_of(AgentRow), b"0" * 16
    older = hashlib.scrypt(PASSWORD.encode(), salt=salt, n=2, r=8, p=1).hex()
    with database.write() as connection:
        connection.execute(sa.update(agents).values(password_hash=f"{salt.hex()}${older}"))
    for _ in range(2):
        ticket_of(browser)
        with database.read() as connection:
            assert str(connection.execute(sa.select(agents.c.password_hash)).scalar_one()).startswith("2$")


def test_ten_codes_are_shown_once_kept_as_hashes_and_count_once_each(
    app: Any, browser: AppClient, database: Database, clock: MovingClock, agent_id: str
) -> None:
    # Given ten codes, of which the database has no letter
    _, codes = enrol(browser, clock)
    assert len(set(codes)) == 10
    with database.read() as connection:
        kept = str(connection.execute(sa.select(table_of(RecoveryCodeRow))).all())
    assert not any(code.replace("-", "") in kept or code in kept for code in codes)
    # When one is used, in capitals and with blanks
    step, ticket = ticket_of(browser)
    assert 'id="by-recovery"' in step
    used = send(browser, "/sign-in/code", ticket=ticket, recovery=f" {codes[3].upper().replace('-', ' ')} ")
    assert (used.status_code, "9 recovery codes are left" in used.text) == (200, True)
    assert browser.get("/").status_code == 200
    # Then it counts no more, no code is shown again, and the trail has it
    _, ticket = ticket_of(browser)
    again = send(browser, "/sign-in/code", ticket=ticket, recovery=codes[3])
    assert (again.status_code, "is wrong, or has been used" in again.text, CODE.findall(again.text)) == (401, True, [])
    app.state.desk.trail.flush()
    with database.read() as connection:
        row = connection.execute(
            sa.select(table_of(AuditRow)).where(table_of(AuditRow).c.action == "agent.recovery_used")
        )
        assert [each["actor"] for each in row.mappings()] == ["Li Na"]


def test_codes_are_renewed_against_a_code_of_the_authenticator_alone(
    browser: AppClient, clock: MovingClock, agent_id: str
) -> None:
    secret, codes = enrol(browser, clock)
    home = f"/settings/agents/{agent_id}"
    assert "10 recovery codes are left" in browser.get(home).text
    assert send(browser, f"{home}/recovery", code="000000").status_code == 422
    clock.move(timedelta(minutes=1))
    fresh = CODE.findall(send(browser, f"{home}/recovery", code=code_at(secret, now=clock())).text)
    assert (len(fresh), set(fresh) & set(codes)) == (10, set())
    _, ticket = ticket_of(browser)
    assert send(browser, "/sign-in/code", ticket=ticket, recovery=codes[0]).status_code == 401
    assert send(browser, "/sign-in/code", ticket=ticket, recovery=fresh[0]).status_code == 200
    # Not another agent's.
    other = home.replace(agent_id, agent_id.replace(agent_id[-4:], "ffff"))
    assert send(browser, f"{other}/recovery", code="1").status_code == 403


def test_no_recovery_code_replaces_a_factor_that_is_being_set_up_or_was_forgotten(
    browser: AppClient, database: Database, clock: MovingClock, agent_id: str
) -> None:
    _, codes = enrol(browser, clock)
    with database.write() as connection:
        forget_second_factor(connection, name="Li Na")
        assert connection.execute(sa.select(table_of(RecoveryCodeRow))).all() == []
    step, ticket = ticket_of(browser)
    assert 'id="by-recovery"' not in step
    assert send(browser, "/sign-in/code", ticket=ticket, recovery=codes[0]).status_code == 401


def test_guesses_of_recovery_codes_are_throttled(browser: AppClient, clock: MovingClock, agent_id: str) -> None:
    enrol(browser, clock)
    _, ticket = ticket_of(browser)
    answers = [send(browser, "/sign-in/code", ticket=ticket, recovery=f"guess-{n}").status_code for n in range(12)]
    assert set(answers) == {401, 429}

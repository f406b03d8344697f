"""What the doctor finds in the database of a desk."""

from __future__ import annotations

from pathlib import Path

from cli.commands.doctor import examine_teams
from store.desk.agents import add_agent, revoke_agent
from tests.api.conftest import settings_in
from tests.inbox_builder import Builder
from tests.migrated import new_database


def test_cases_of_a_team_that_left_the_file_are_named_with_what_to_do(tmp_path: Path):
    settings = settings_in(tmp_path)
    database = new_database(tmp_path / "omniyard.db")
    try:
        with database.write() as connection:
            build = Builder(connection)
            build.conversation(handle="a@customer.example", team="payments")
            build.conversation(handle="b@customer.example", team="gone", status="resolved")
        assert examine_teams(settings).ok
        with database.write() as connection:
            Builder(connection).conversation(handle="c@customer.example", team="gone", status="pending")
        health = examine_teams(settings)
    finally:
        database.close()
    assert not health.ok
    (finding,) = health.findings
    assert finding.startswith(
        "1 cases wait in 'gone', which is not in the file: open /?view=open&team=gone on the desk"
    )


def test_a_name_of_the_escalation_that_no_one_has_is_reported(tmp_path: Path):
    # Given a team, an agent, one who has left, and a name that is mistyped
    listed = '[emergency]\nescalate_after = "10m"\nescalate_to = ["payments", "Li Na", "Wang", "Jnoas"]\n'
    settings = settings_in(tmp_path, more=listed)
    database = new_database(tmp_path / "omniyard.db")
    try:
        with database.write() as connection:
            for name in ("Li Na", "Wang"):
                add_agent(connection, name=name, role="agent")
            revoke_agent(connection, name="Wang")
        health = examine_teams(settings)
    finally:
        database.close()
    # Then those two are named
    assert not health.ok
    assert [finding.split("'")[1] for finding in health.findings] == ["Wang", "Jnoas"]
    assert all("is no agent and no team" in finding for finding in health.findings)

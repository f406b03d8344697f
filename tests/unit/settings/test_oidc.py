"""`[desk.oidc]`: each mistake is named with its line."""

from __future__ import annotations

from typing import get_args

import pytest

from api.http.permissions import Role
from router.settings.oidc import RoleName
from router.settings.validation import examine_settings

HEAD = """[[routes]]
name = "all"
team = "front"
[teams.front]
[desk.oidc]
issuer = "https://id.wallet.example/staff"
client_id = "omniyard"
"""


def findings(lines: str, *, head: str = HEAD) -> list[tuple[int, str, str]]:
    return [(each.line, each.key, each.message) for each in examine_settings(head + lines).findings]


@pytest.mark.parametrize(
    ("line", "key", "said"),
    [
        ('client_secret = "hunter2"', "client_secret", "never the secret itself"),
        ('role_claim = "groups"\nroles = { leads = "boss" }', "roles.leads", 'expected "viewer", "agent"'),
        ('roles = { leads = "admin" }', "roles", "without `role_claim` it has no meaning"),
        ('team_claim = "groups"\nteams = { pay = "nowhere" }', "teams.pay", "no team has this name"),
        ('scopes = ["openid email"]', "scopes", "expected names of scopes"),
        ('passwords = "off"', "passwords", "true or false"),
        ('agent_claim = ""', "agent_claim", "at least 1 character"),
        ("password = false", "password", "unknown key"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_key(line: str, key: str, said: str) -> None:
    found = findings(line)
    assert [(number, name) for number, name, _ in found] == [(8 + line.count("\n"), f"desk.oidc.{key}")]
    assert said in found[0][2]
    assert "hunter2" not in found[0][2]


@pytest.mark.parametrize(
    ("issuer", "fits"),
    [
        ("https://id.wallet.example", True),
        ("https://id.wallet.example:8443/realms/staff/", True),
        ("http://127.0.0.1:8081/realms/staff", True),
        ("http://[::1]:8081", True),
        ("http://id.wallet.example", False),
        ("id.wallet.example", False),
        ("https://id.wallet.example/?tenant=1", False),
        ("https://id.wallet.example/#a", False),
        ("https://user@id.wallet.example", False),
        ("https://id.wallet.example:99999", False),
        ("https://", False),
        ("https://id.wallet example", False),
    ],
)
def test_an_issuer_is_an_https_address_or_one_of_this_machine(issuer: str, fits: bool) -> None:
    found = findings("", head=HEAD.replace("https://id.wallet.example/staff", issuer))
    assert [(line, key) for line, key, _ in found] == ([] if fits else [(6, "desk.oidc.issuer")])


def test_the_roles_are_those_of_the_desk() -> None:
    assert list(get_args(RoleName)) == [role.value for role in Role]

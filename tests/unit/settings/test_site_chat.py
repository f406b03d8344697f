"""`check` names what is wrong with a chat's table, with its line."""

from __future__ import annotations

import pytest

from router.settings.validation import examine_settings

TOML = """
[channels.mail]
kind = "smtp"
[channels.site]
kind = "chat"
origins = ["https://www.wallet.example",
  "{origin}"]
{more}
[[routes]]
name = "all"
team = "front"
"""


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        ("https://www.wallet.example/help", "without a path or a wildcard"),
        ("https://*.wallet.example", "without a path or a wildcard"),
        ("www.wallet.example", "without a path or a wildcard"),
        ("http://www.wallet.example", "plain http can be changed"),
    ],
)
def test_a_wrong_origin_is_named_with_its_line(origin: str, words: str) -> None:
    (finding,) = examine_settings(TOML.format(origin=origin, more="")).errors
    assert finding.line == 7
    assert words in finding.sentence("channels.toml")


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8080", "http://localhost", "https://m.wallet.example:8443"])
def test_a_site_by_https_or_on_this_machine_is_fine(origin: str) -> None:
    assert examine_settings(TOML.format(origin=origin, more="")).findings == ()


@pytest.mark.parametrize(
    ("more", "words"),
    [('mail = "mail"', "this channel sends no mail"), ('mail = "post"', "no channel has this name")],
)
def test_answers_by_mail_need_a_channel_that_sends_mail(more: str, words: str) -> None:
    (finding,) = examine_settings(TOML.format(origin="https://a.example", more=more)).errors
    assert finding.line == 8
    assert words in finding.sentence("channels.toml")

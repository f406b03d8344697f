"""The colours of a mail that are kept, on the element that sets them."""

from __future__ import annotations

import pytest

from connectors.email.mail_colours import own_colours
from connectors.email.mime.html import sanitise


@pytest.mark.parametrize(
    ("style", "kept"),
    [
        ("color: #fff; background: #0d6361", "color:#fff;background-color:#0d6361"),
        ("COLOR:Red !important", "color:red"),
        ("background: white url(https://evil.example/x.png) no-repeat", "background-color:white"),
        ("background:url(https://evil.example/x.png)", ""),
        ("background-color: transparent; color: rgb(1, 2, 3)", "color:rgb(1, 2, 3)"),
        ("background-color: rgba(0,0,0,0)", ""),
        ("color: expression(alert(1))", ""),
        ("position: fixed; top: 0; font-size: 0", ""),
        ("color: red}body{display:none", ""),
    ],
)
def test_of_a_style_only_colours_are_left(style: str, kept: str) -> None:
    assert own_colours(style) == kept


def test_a_mail_keeps_both_colours_and_nothing_that_loads_or_moves() -> None:
    html = (
        '<td bgcolor="#003366" background="https://evil.example/b.png"><p style="color:#ffcc00;left:-9px">Hi</p></td>'
    )
    shown = sanitise(f"<table><tr>{html}</tr></table>")
    assert 'bgcolor="#003366"' in shown
    assert 'style="color:#ffcc00"' in shown
    assert "evil" not in shown
    assert "left" not in shown

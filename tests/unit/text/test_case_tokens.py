"""A case's reference as people type and paste it."""

from __future__ import annotations

import pytest

from router.text.case_tokens import bare_references, text_references, typed_reference
from tests.reference_forms import FORMS


@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_a_reference_is_read(form: str) -> None:
    assert typed_reference(form.format("GV6SC6VXF")) == "GV6SC6VXF"


@pytest.mark.parametrize(
    "typed",
    [
        "gv6sc6vxf-4c6b0a1b2c",
        "（ＧＶ６ＳＣ６ＶＸＦ）",
        "ＧＶ６ＳＣ６ＶＸＦ－４Ｃ６Ｂ０Ａ１Ｂ２Ｃ",
        "GV6 SC6 VXF",
        "GV6-SC6-VXF",
        "Re: Refund [GV6SC6VXF-4C6B0A1B2C]",
        "support+GV6SC6VXF-4C6B0A1B2C@desk.example",
    ],
)
def test_a_reference_is_read_in_other_letters_in_parts_and_in_a_subject(typed: str) -> None:
    assert typed_reference(typed) == "GV6SC6VXF"


def test_letters_that_look_like_digits_are_read_as_those() -> None:
    assert typed_reference("kilo2mxd4") == "K1102MXD4"


@pytest.mark.parametrize(
    "typed", ["", "-", "编号", "reference", "GV6SC6VX", "GV6SC6VXFF", "refund late", "退款到哪里了"]
)
def test_what_is_no_reference_is_not_read_as_one(typed: str) -> None:
    assert typed_reference(typed) == ""


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        ("About K7QF2MXD4", ("K7QF2MXD4",)),
        ("关于编号K7QF2MXD4的退款", ("K7QF2MXD4",)),
        ("[K7QF2MXD4]", ("K7QF2MXD4",)),
        # A wrong proof is no reference without one.
        ("K7QF2MXD4-0000000000", ()),
        # Words in small letters.
        ("afternoon, agreement", ()),
        # A longer number.
        ("12345678901234", ()),
    ],
)
def test_a_subject_names_a_reference_as_it_is_printed(subject: str, found: tuple[str, ...]) -> None:
    assert bare_references(subject) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("你好，受理编号 K7QF2MXD4，现在有结果了吗？", ("K7QF2MXD4",)),
        ("编号K7QF2MXD4还是没解决", ("K7QF2MXD4",)),
        ("any news about K7QF2MXD4? I ask for K7QF2MXD4.", ("K7QF2MXD4",)),
        # Several may be a list, of which none is meant more than the others.
        ("K7QF2MXD4 and 7TAM0HWZT are both open", ()),
        # Numbers of orders and phones, part of a longer number, a token with its proof.
        ("order 202611300, phone 138001380", ()),
        ("TK20261130001", ()),
        ("K7QF2MXD4-9F3A61C20B", ()),
    ],
)
def test_a_text_names_one_reference(text: str, found: tuple[str, ...]) -> None:
    assert text_references(text) == found

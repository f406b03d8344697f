"""Subjects are equal regardless of the marks of replies and forwards."""

from __future__ import annotations

import pytest

from router.threads.subject_lines import core_subject
from tests.growth import grows_linearly


@pytest.mark.parametrize(
    ("subject", "core"),
    [
        ("A question", "a question"),
        ("Re: A question", "a question"),
        ("RE: FW: Re: A  question", "a question"),
        ("Re[2]: A question", "a question"),
        ("Re (3): A question", "a question"),
        ("回复：退款", "退款"),
        ("答复: 转发: 退款", "退款"),
        ("回覆: 退款", "退款"),
        ("AW: WG: Frage", "frage"),
        ("SV: Fråga", "fråga"),
        ("Отв: вопрос", "вопрос"),
        ("[desk-list] Re: A question", "a question"),
        ("[External] A question", "a question"),
        ("A question (fwd)", "a question"),
        ("[Fwd: Re: A question]", "a question"),
        ("Re: A question [K7QF2MXD4-9F3A61C20B]", "a question"),
        ("自动回复: 费率", "费率"),
        ("Automatic reply: Fees", "fees"),
        ("Out of Office: RE: Fees", "fees"),
        ("Réponse automatique : Frais", "frais"),
        # Text that only looks like a prefix is part of the subject.
        ("Refund: where is it", "refund: where is it"),
        ("Receipt", "receipt"),
        ("Automatic replies: how do I switch them off", "automatic replies: how do i switch them off"),
        ("[xyz]", "[xyz]"),
        ("Is it [urgent] or Re: later?", "is it [urgent] or re: later?"),
        ("re: [fwd: [fwd: re: [fwd: babylon]]]", "babylon"),
        ("", ""),
        ("Re:", ""),
    ],
)
def test_a_subject_loses_its_marks(subject: str, core: str) -> None:
    assert core_subject(subject) == core


@pytest.mark.parametrize("unit", ["Re: ", "[", "[a]", "[fwd:", " "])
def test_every_subject_is_fast(unit: str) -> None:
    assert grows_linearly(core_subject, unit, size=50_000)

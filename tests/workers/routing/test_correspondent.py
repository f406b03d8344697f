"""Who the customer of a mail is, and where the answer goes: from the bytes of mails to the rows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store.db.engine import Database, read_clock
from store.outbound.answer_addresses import choose_answer_address
from tests.absent_inputs import NO_CASES
from tests.mail_desk import CASES, SERVER, MailDesk, opened, proven

FORM = """
[forms.shop]
senders = ["hello@shopforms.example"]
field = "E-mail"
[forms.survey]
senders = ["@survey.example"]
"""

needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=NO_CASES)


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Iterator[MailDesk]:
    with opened(database, tmp_path, desk=f'authserv_id = "{SERVER}"', more=FORM) as made:
        yield made


def where_answers_go(desk: MailDesk) -> list[tuple[str, str]]:
    """Return each case's contact, and the recipient of an answer in it."""
    return [(desk.contact(case), desk.answer(case).recipient) for case in desk.cases]


@needs_cases
def test_customers_behind_a_form_a_list_or_a_no_reply_address_get_the_answer(desk: MailDesk) -> None:
    for name in ("e09a-form", "e10a-thirdform", "e10b-thirdform", "e11-via-group"):
        desk.case(name)

    theirs = ["gil@cust.example", "ida@cust.example", "jan@cust.example", "kai@cust.example"]
    assert where_answers_go(desk) == [(each, each) for each in theirs]
    assert desk.contacts == theirs
    assert [row.sender_handle for row in desk.messages if row.direction == "incoming"] == theirs
    assert desk.automatic == []
    assert {row.sender_proof for row in desk.messages if row.direction == "incoming"} == {"unproven"}


@needs_cases
def test_a_persons_reply_to_is_offered_and_not_followed(desk: MailDesk) -> None:
    desk.case("e20-replyto-own")

    (case,) = desk.cases
    assert (desk.last.answer_to, desk.last.other_address) == ("pat@firm.example", "pat@home.example")
    assert desk.automatic == ["pat@firm.example"]
    assert desk.answer(case).recipient == "pat@firm.example"

    with desk.database.write() as connection:
        now = read_clock(connection)
        choose_answer_address(connection, case.id, address="pat@home.example", by="Zoe", now=now)
    assert desk.answer(case).recipient == "pat@home.example"


@pytest.mark.parametrize(
    ("fields", "contact", "answer_to", "other"),
    [
        # Our own form: Reply-To names the customer, whatever the name in From says.
        ({"From": "support@wallet.example", "Reply_To": "Lu <lu@c.example>"}, "lu@c.example", "lu@c.example", ""),
        # A list that keeps the author, and a Reply-To that is the list itself.
        (
            {"From": '"Lu (via Help)" <support@wallet.example>', "X_Original_Sender": "lu@c.example"},
            "lu@c.example",
            "lu@c.example",
            "",
        ),
        # The list of another house.
        (
            {
                "From": "Lu via Users <users@lists.example>",
                "List_Id": "<users.lists.example>",
                "Reply_To": "lu@c.example, users@lists.example",
            },
            "lu@c.example",
            "lu@c.example",
            "",
        ),
        # A no-reply address that names no person stays what it is.
        ({"From": "noreply@shop.example"}, "noreply@shop.example", "noreply@shop.example", ""),
        # A Reply-To that is no-reply or ours names no customer.
        ({"From": "noreply@s.example", "Reply_To": "no-reply@s.example"}, "noreply@s.example", "noreply@s.example", ""),
        ({"Reply_To": "support@wallet.example"}, "ann@cust.example", "ann@cust.example", ""),
        # A person with another Reply-To; X-Original-Sender of no list is no sign.
        ({"Reply_To": "thief@evil.example"}, "ann@cust.example", "ann@cust.example", "thief@evil.example"),
        ({"X_Original_Sender": "thief@evil.example"}, "ann@cust.example", "ann@cust.example", ""),
        # A list's Reply-To is the list, also where the author is proven to be of its domain.
        (
            {"Reply_To": "users@lists.cust.example", "List_Post": "<mailto:users@lists.cust.example>"},
            "ann@cust.example",
            "ann@cust.example",
            "",
        ),
        (
            {
                "Reply_To": "users@cust.example",
                "List_Id": "<users.cust.example>",
                "Authentication_Results": proven("cust.example"),
            },
            "ann@cust.example",
            "ann@cust.example",
            "",
        ),
        # A person with both addresses in Reply-To.
        ({"Reply_To": "ann@cust.example, bob@cust.example"}, "ann@cust.example", "ann@cust.example", ""),
        # Within the own domain: followed only if that is proven, and not among the customers of a mail provider.
        ({"Reply_To": "bob@cust.example"}, "ann@cust.example", "ann@cust.example", "bob@cust.example"),
        (
            {"Reply_To": "bob@cust.example", "Authentication_Results": proven("cust.example")},
            "ann@cust.example",
            "bob@cust.example",
            "ann@cust.example",
        ),
        (
            {"Reply_To": "bob@other.example", "Authentication_Results": proven("cust.example")},
            "ann@cust.example",
            "ann@cust.example",
            "bob@other.example",
        ),
        (
            {"From": "a@qq.com", "Reply_To": "b@qq.com", "Authentication_Results": proven("qq.com")},
            "a@qq.com",
            "a@qq.com",
            "b@qq.com",
        ),
    ],
)
def test_who_the_customer_is(desk: MailDesk, fields: dict[str, str], contact: str, answer_to: str, other: str) -> None:
    desk.mail(**fields)

    (case,) = desk.cases
    assert (desk.contact(case), desk.last.answer_to, desk.last.other_address) == (contact, answer_to, other)
    assert desk.answer(case).recipient == answer_to


def test_a_declared_form_names_its_customer_in_a_line_of_its_text(desk: MailDesk) -> None:
    for name in ("Xu", "Yi"):
        words = f"Name: {name}\nE-mail: {name}@c.example\nMessage: When does the office open?"
        desk.mail(words, From="Shop <hello@shopforms.example>", Subject="New entry")
    desk.mail(From="robot7@survey.example", Reply_To="zoe@c.example")

    assert where_answers_go(desk) == [(f"{name}@c.example",) * 2 for name in ("xu", "yi", "zoe")]
    assert desk.contacts == ["xu@c.example", "yi@c.example", "zoe@c.example"]
    assert {row.origin for row in desk.messages if row.direction == "incoming"} == {"person"}
    assert desk.automatic == []


def test_what_only_names_a_customer_enters_their_case_by_no_sign_of_others(desk: MailDesk) -> None:
    desk.mail(Message_ID="<first@cust.example>", Authentication_Results=proven("cust.example"))
    (case,) = desk.cases
    ours = desk.answer(case).rfc_message_id
    by_list = {
        "From": "Ann via Users <users@lists.example>",
        "X_Original_From": "ann@cust.example",
        "List_Id": "<users.lists.example>",
    }

    desk.mail(**by_list, In_Reply_To=f"<{ours}>")
    assert desk.last.conversation_id != case.id
    assert desk.cases[-1].linked_to == case.id

    # So does what only shows our address, on a desk whose mail server checks that.
    ours_named = {"From": "'Ann' via Help <support@wallet.example>", "Reply_To": "ann@cust.example"}
    desk.mail(**ours_named, In_Reply_To=f"<{ours}>")
    assert (desk.last.conversation_id != case.id, desk.cases[-1].linked_to) == (True, case.id)

    # Our own list speaks for her like an unproven mail of hers.
    desk.mail(**ours_named, In_Reply_To=f"<{ours}>", Authentication_Results=proven("wallet.example"))
    assert desk.last.conversation_id == case.id
    assert desk.last.sender_proof == "unproven"
    desk.mail(**ours_named, In_Reply_To="<first@cust.example>", Authentication_Results=proven("wallet.example"))
    assert desk.last.conversation_id != case.id


def test_on_a_desk_without_checks_our_own_form_speaks_for_a_customer(database: Database, tmp_path: Path) -> None:
    with opened(database, tmp_path) as desk:
        desk.mail(Message_ID="<first@cust.example>")
        (case,) = desk.cases
        ours = desk.answer(case).rfc_message_id
        desk.mail(From="support@wallet.example", Reply_To="ann@cust.example", In_Reply_To=f"<{ours}>")
        assert desk.last.conversation_id == case.id

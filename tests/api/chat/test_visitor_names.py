"""A visitor without a name is called the same in all places, in the language of the agent who reads."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa

from router.text.customer_name import in_language, visitor_name
from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.messages import ContactRow, ConversationRow
from tests.api.chat.conftest import ChatVisitor, Hands
from tests.app_client import AppClient
from tests.inbox_builder import Builder

ID = UUID("00000000-0000-0000-0000-0000000014c7")


def test_a_made_name_follows_the_reader_and_a_given_one_stays() -> None:
    assert [visitor_name(ID, language=each) for each in ("zh-CN", "en")] == ["访客 14C7", "Visitor 14C7"]
    assert in_language("Visitor 14C7", language="zh") == "访客 14C7"
    assert in_language("访客 14C7", language="en") == "Visitor 14C7"
    # The handle that we made says no more.
    assert in_language("visitor-a37dd771a75e14c7", language="zh") == "访客 14C7"
    for name in ("Wu Min", "visitor-1", "Visitor", "访客", "Visitor 14C7 of 9", ""):
        assert in_language(name, language="zh") == name


@pytest.mark.parametrize("theirs", ["en", "zh-CN"])
def test_the_name_of_a_visitor_follows_the_readers_language_in_all_places(
    visitor: ChatVisitor, hands: Hands, client_of: Callable[[str], AppClient], database: Database, theirs: str
) -> None:
    visitor.client.headers["Accept-Language"] = theirs
    visitor.begin()
    visitor.write("my refund is late")
    hands.work()
    with database.read() as connection:
        case = connection.execute(sa.select(table_of(ConversationRow))).mappings().one()
    supervisor = client_of("supervisor")
    paths = ["/", f"/conversations/{case['reference']}", f"/people/{case['contact_id']}", "/supervisor/chats"]
    paths += [f"/search?q={case['reference']}"]
    for language, own, other in (("zh", "访客", "Visitor"), ("en", "Visitor", "访客")):
        for path in paths:
            page = supervisor.get(path, headers={"Accept": "text/html", "Accept-Language": language}).text
            assert re.search(rf"\b{own} [0-9A-F]{{4}}\b", page), (path, language)
            assert not re.search(rf"\b{other} [0-9A-F]{{4}}\b", page), (path, language)
            assert not re.search(r">\s*visitor-[0-9a-f]{16}", page), (path, language)


@pytest.mark.parametrize(
    ("handle", "kind", "chinese", "english"),
    [
        ("o6_bmjrPTlm6_2sgVt7hMZOPfL2M", "", "微信用户 …fL2M", "WeChat user …fL2M"),
        ("wmABCDEFGHIJKLMNOPQRSTUVWXYZ0123", "", "企业微信用户 …0123", "WeCom user …0123"),
        ("U4af4980629f1c2d3e4f5a6b7c8d9e0f1", "", "LINE 用户 …e0f1", "LINE user …e0f1"),
        ("US.13491208655302741918", "", "WhatsApp 用户 …1918", "WhatsApp user …1918"),
        ("7712345678", "telegram", "Telegram 用户 …5678", "Telegram user …5678"),
        ("1830000000000001234", "x", "X 用户 …1234", "X user …1234"),
        # A number may be anything: a short code, or the operator's own number of a customer.
        ("95588", "", "95588", "95588"),
        ("7712345678", "custom", "7712345678", "7712345678"),
        ("+8613800138000", "phone", "+8613800138000", "+8613800138000"),
        ("wallet:u-7", "custom", "wallet:u-7", "wallet:u-7"),
        ("office@customer.example", "email", "office@customer.example", "office@customer.example"),
    ],
)
def test_a_user_known_by_a_services_id_alone_is_shown_as_a_person_can_read_it(
    handle: str, kind: str, chinese: str, english: str
) -> None:
    assert in_language(handle, language="zh-CN", kind=kind) == chinese
    assert in_language(handle, language="en", kind=kind) == english


def test_the_list_and_the_case_show_no_raw_id_and_the_api_does(
    browser: AppClient, client: AppClient, database: Database
) -> None:
    openid = "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(handle=openid, name="", reference="AAAAAAAAA")
        build.message(case, sender_handle=openid, sender_name="")
    for path in ("/", "/conversations/AAAAAAAAA"):
        shown = browser.get(path, headers={"Accept-Language": "zh"}).text
        page = re.sub(r'(href|value|title|content)="[^"]*"', "", shown)
        assert "微信用户 …fL2M" in page
        assert openid not in page
    assert openid in client.get("/api/v1/conversations/AAAAAAAAA").text


@pytest.mark.parametrize("name", ["o6_bmjrPTlm6_2sgVt7hMZOPfL2M", "Visitor 14C7", "访客 14C7"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_saving_a_contact_changes_no_name_that_is_shown_in_the_readers_language(
    browser: AppClient, database: Database, name: str, language: str
) -> None:
    with database.write() as connection:
        contact = Builder(connection).contact("li@example.com", name=name)
    path = f"/people/{contact}"
    page = browser.get(path, headers={"Accept-Language": language}).text
    shown = re.findall(r'<input name="name" value="([^"]*)"', page)[0]
    headers = {"Sec-Fetch-Site": "same-origin"}
    assert browser.post(path, data={"name": shown, "note": "calls at noon"}, headers=headers).status_code == 303
    with database.read() as connection:
        stored = connection.execute(sa.select(table_of(ContactRow).c.name, table_of(ContactRow).c.note)).one()
    assert tuple(stored) == (name, "calls at noon")

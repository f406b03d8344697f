"""Bulk actions, merging, splitting, spam, the next case and the customer's page: forms over the REST API."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urlencode
from uuid import UUID, uuid4

import httpx
import pytest
import sqlalchemy as sa

from store.db.bulk import table_of
from store.db.engine import Database
from store.tables.messages import ContactRow, ConversationRow, MessageRow
from tests.api.conftest import OUT, settings_in
from tests.app_client import AppClient
from tests.inbox_builder import Builder

FORM = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def settings(tmp_path: Any) -> Any:
    return settings_in(tmp_path / "data", more=OUT)


@pytest.fixture
def cases(database: Database) -> list[UUID]:
    """Three open cases: two of Li Wei, the newest first, and one of another customer."""
    with database.write() as connection:
        build = Builder(connection)
        made = []
        for name, handle in (
            ("AAAAAAAAA", "li@example.com"),
            ("BBBBBBBBB", "li@example.com"),
            ("CCCCCCCCC", "wang@example.com"),
        ):
            case = build.conversation(reference=name, handle=handle, channel="out", subject=f"Case {name[0]}")
            build.message(case, channel="out", text=f"first of {name}", sender_handle=handle)
            made.append(case)
        build.message(made[0], channel="out", text="second, about a refund", inbound_id=build.inbound())
        return made


def send(browser: AppClient, path: str, fields: list[tuple[str, str]] | dict[str, str]) -> httpx.Response:
    return browser.post(path, content=urlencode(fields), headers=FORM)


def field(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return unescape(found.group(1))


def rows(database: Database, model: type[Any] = ConversationRow) -> dict[str, Any]:
    table = table_of(model)
    with database.read() as connection:
        found = connection.execute(sa.select(table)).mappings().all()
    return {row["reference"] if "reference" in row else str(row["id"]): row for row in found}


def test_a_bulk_action_has_a_result_for_each_row_and_one_undo(
    browser: AppClient, database: Database, cases: list[UUID]
) -> None:
    listed = browser.get("/").text
    assert listed.count('class="pick"') == 3

    fields = [("do", "label"), ("label", "vip, refund"), ("back", "/?view=open")]
    page = send(browser, "/bulk", [*fields, ("keys", "AAAAAAAAA"), ("keys", "ZZZZZZZZZ"), ("keys", "CCCCCCCCC")]).text

    assert "2 of 3 done" in page
    assert page.count('class="refused"') == 1
    assert rows(database)["AAAAAAAAA"]["labels"] == ["vip", "refund"]
    assert browser.get("/labels?begins=V").json() == {"labels": ["vip"]}

    page = send(browser, "/bulk/undo", {"sealed": field(page, "sealed"), "back": "/"}).text
    assert "2 of 2 undone" in page
    assert {name: row["labels"] for name, row in rows(database).items()} == {
        "AAAAAAAAA": [], "BBBBBBBBB": [], "CCCCCCCCC": []
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"do": "resolve"}, 422),  # nothing is chosen
        ({"do": "explode", "keys": "AAAAAAAAA"}, 422),
        ({"do": "label", "label": "", "keys": "AAAAAAAAA"}, 200),
        ({"do": "merge", "keys": "AAAAAAAAA"}, 422),  # a merge is of two
    ],
)
def test_a_bulk_form_without_sense_changes_nothing(
    browser: AppClient, database: Database, cases: list[UUID], fields: dict[str, str], status: int
) -> None:
    before = rows(database)
    assert send(browser, "/bulk", fields).status_code == status
    assert rows(database) == before


def test_two_open_cases_of_one_customer_are_proposed_for_a_merge_which_can_be_undone(
    browser: AppClient, database: Database, cases: list[UUID]
) -> None:
    page = browser.get("/conversations/AAAAAAAAA").text
    assert "/conversations/AAAAAAAAA/merge?with=BBBBBBBBB" in page
    assert "propose" not in browser.get("/conversations/CCCCCCCCC").text

    dialog = browser.get("/conversations/AAAAAAAAA/merge?with=BBBBBBBBB").text
    fields = {"with": "BBBBBBBBB", "keep": "BBBBBBBBB", "version": field(dialog, "version")}
    answer = send(browser, "/conversations/AAAAAAAAA/merge", fields)
    assert answer.headers["location"] == "/conversations/BBBBBBBBB"
    assert rows(database)["AAAAAAAAA"]["merged_into"] == cases[1]

    shown = browser.get("/conversations/BBBBBBBBB").text
    assert "Merged." in shown
    send(browser, "/undo", {"sealed": field(shown, "sealed"), "key": "0" * 32})
    assert rows(database)["AAAAAAAAA"]["merged_into"] is None

    # Cases of two customers are refused in place.
    refused = send(browser, "/conversations/AAAAAAAAA/merge", {"with": "CCCCCCCCC", "keep": "CCCCCCCCC"})
    assert (refused.status_code, "different contacts" in refused.text) == (422, True)


def test_a_refusal_in_chinese_says_why_and_what_to_do(
    browser: AppClient, database: Database, cases: list[UUID]
) -> None:
    browser.headers["Accept-Language"] = "zh-CN"
    other = send(browser, "/conversations/AAAAAAAAA/merge", {"with": "CCCCCCCCC", "keep": "CCCCCCCCC"})
    assert "两个会话的客户不同；如是同一人，请先合并客户。" in other.text
    all_of_it = [str(each["id"]) for each in rows(database, MessageRow).values()]
    page = browser.get("/conversations/AAAAAAAAA/split").text
    split = [*(("message_ids", each) for each in all_of_it), ("version", field(page, "version"))]
    assert "只能选择本会话的消息。" in send(browser, "/conversations/AAAAAAAAA/split", split).text
    nothing = send(browser, "/conversations/AAAAAAAAA/split", {"version": field(page, "version")})
    assert "至少移出一条，并至少保留一条消息。" in nothing.text
    taken = send(browser, "/bulk", {"keys": "ZZZZZZZZZ", "do": "take", "back": "/"}).text
    assert "没有找到该会话，或你无权查看。" in taken
    assert send(browser, "/bulk", {"do": "take", "back": "/"}).text.count("请先选择会话。")


def test_a_case_is_split_from_a_message_on(browser: AppClient, database: Database, cases: list[UUID]) -> None:
    second = next(str(each["id"]) for each in rows(database, MessageRow).values() if each["text"].startswith("second,"))
    page = browser.get(f"/conversations/AAAAAAAAA/split?from={second}").text
    assert f'value="{second}" checked' in page

    answer = send(browser, "/conversations/AAAAAAAAA/split", {"message_ids": second, "version": field(page, "version")})

    assert answer.status_code == 303
    new = answer.headers["location"].rpartition("/")[2]
    assert rows(database)[new]["subject"]
    nothing = send(browser, "/conversations/AAAAAAAAA/split", {"version": "99"})
    assert nothing.status_code == 422


def test_spam_is_resolved_labelled_and_its_sender_blocked(
    browser: AppClient, database: Database, cases: list[UUID]
) -> None:
    page = browser.get("/conversations/CCCCCCCCC").text
    fields = {"version": field(page, "version"), "block": "true", "back": "/?view=open"}
    answer = send(browser, "/conversations/CCCCCCCCC/spam", fields)

    assert answer.headers["location"] == "/?view=open"
    row = rows(database)["CCCCCCCCC"]
    assert (row["status"], row["labels"]) == ("resolved", ["spam"])
    assert rows(database, ContactRow)[str(row["contact_id"])]["blocked_by"] == "the agent"
    assert "Blocked since" in browser.get(f"/people/{row['contact_id']}").text
    send(browser, f"/people/{row['contact_id']}/block", {"do": "unblock"})
    assert rows(database, ContactRow)[str(row["contact_id"])]["blocked_at"] is None


def test_one_press_says_that_a_case_is_none_of_ours_and_one_takes_it_back(
    browser: AppClient, database: Database, cases: list[UUID]
) -> None:
    for category in ("failed_transaction", None):
        with database.write() as connection:
            table = table_of(ConversationRow)
            one = sa.update(table).where(table.c.reference == "CCCCCCCCC")
            connection.execute(one.values(category=category, priority="urgent", status="open"))
        before = rows(database)["CCCCCCCCC"]
        page = browser.get("/conversations/CCCCCCCCC").text
        fields = {name: field(page, name) for name in ("version", "key")} | {"do": "not_ours", "back": "/?view=open"}
        answer = send(browser, "/conversations/CCCCCCCCC/change", fields)

        assert answer.headers["location"] == "/?view=open"
        row = rows(database)["CCCCCCCCC"]
        assert (row["status"], row["category"], row["priority"]) == ("resolved", None, "normal")
        page = browser.get("/?view=open").text
        assert "Marked as not for us, and resolved." in page
        assert 'value="not_ours"' not in browser.get("/conversations/CCCCCCCCC").text

        assert send(browser, "/undo", {"sealed": field(page, "sealed"), "key": uuid4().hex}).status_code == 303
        row = rows(database)["CCCCCCCCC"]
        names = ("status", "category", "priority", "team")
        assert [row[name] for name in names] == [before[name] for name in names]
        shown = browser.get("/conversations/CCCCCCCCC").text
        assert '<span class="chip unknown">not for us</span>' not in shown
        assert '<option value="-" selected' not in shown


def test_several_cases_are_none_of_ours_by_one_press_and_come_back_by_one(
    browser: AppClient, database: Database, cases: list[UUID]
) -> None:
    known = rows(database)
    keys = [*known][:2]
    page = send(browser, "/bulk", [("do", "not_ours"), ("back", "/?view=open"), *(("keys", key) for key in keys)]).text
    assert {rows(database)[key]["status"] for key in keys} == {"resolved"}
    send(browser, "/bulk/undo", {"sealed": field(page, "sealed"), "back": "/?view=open"})
    assert [rows(database)[key]["status"] for key in keys] == [known[key]["status"] for key in keys]
    assert [rows(database)[key]["priority"] for key in keys] == [known[key]["priority"] for key in keys]


def test_take_and_next_goes_through_the_list_that_the_agent_came_from(
    browser: AppClient, database: Database, cases: list[UUID]
) -> None:
    order = re.findall(r'name="keys" value="(\w+)"', browser.get("/?view=unassigned").text)
    version = field(browser.get(f"/conversations/{order[0]}").text, "version")
    answer = send(browser, f"/conversations/{order[0]}/take-next", {"version": version, "back": "/?view=unassigned"})
    assert answer.headers["location"] == f"/conversations/{order[1]}"
    assert rows(database)[order[0]]["assignee"] == "the agent"


@pytest.mark.parametrize(("take", "assignee"), [("true", "the agent"), ("", None)])
def test_replying_assigns_to_me_unless_i_say_otherwise(
    browser: AppClient, database: Database, cases: list[UUID], take: str, assignee: str | None
) -> None:
    page = browser.get("/conversations/AAAAAAAAA").text
    assert 'name="take" value="true" checked' in page
    fields = {name: field(page, name) for name in ("version", "key", "seen_at")}
    fields |= {"kind": "reply", "text": "We look.", "take": take}
    assert send(browser, "/conversations/AAAAAAAAA/say", fields).status_code == 303
    assert rows(database)["AAAAAAAAA"]["assignee"] == assignee


def test_a_customer_is_edited_and_the_edit_taken_back(
    browser: AppClient, database: Database, cases: list[UUID]
) -> None:
    contact = rows(database)["AAAAAAAAA"]["contact_id"]
    fields = {"name": "Li Weiwei", "note": "Calls back after six.", "labels": "vip"}
    assert send(browser, f"/people/{contact}", fields).status_code == 303
    shown = browser.get(f"/people/{contact}").text
    assert all(words in shown for words in ("Li Weiwei", "Calls back after six.", "vip", "Saved."))

    answer = send(browser, "/undo", {"sealed": field(shown, "sealed"), "key": "0" * 32})
    assert answer.headers["location"] == f"/people/{contact}"
    row = rows(database, ContactRow)[str(contact)]
    assert (row["name"], row["note"]) == ("Li Wei", "")
    # Joining two customers is for those who may decide about identity.
    assert "merge-contact" not in shown
    assert send(browser, f"/people/{contact}/merge", {"other": "wang@example.com"}).status_code == 403


def test_the_customers_page_says_who_wrote_each_message(browser: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(handle="822444", name="Liu Yang", channel="out", reference="DDDDDDDDD")
        build.message(case, channel="out", text="where is it", sender_handle="822444", sender_name="Liu Yang")
        build.message(case, channel="out", text="on its way", direction="outgoing", sender_name="Ming")
    page = browser.get(f"/people/{rows(database)['DDDDDDDDD']['contact_id']}").text
    written = dict(
        re.findall(r"<li><p class=\"hint\"><strong>([^<]+)</strong>.*?<p class=\"text\"[^>]*>([^<]+)</p>", page)
    )
    assert written == {"Liu Yang": "where is it", "Ming": "on its way"}
    # A number that the channel made says nothing by itself: the name stands with it.
    assert '<span class="who-chip">Liu Yang · 822444</span>' in browser.get("/conversations/DDDDDDDDD").text


def test_two_customers_are_joined_and_parted(
    app: Any, portal: Any, token_of: Callable[[str], str], database: Database, cases: list[UUID]
) -> None:
    senior = AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": "zh"})
    senior.post("/sign-in", data={"token": token_of("senior")}, headers={"Sec-Fetch-Site": "same-origin"})
    contact, other = rows(database)["AAAAAAAAA"]["contact_id"], rows(database)["CCCCCCCCC"]["contact_id"]
    assert send(senior, f"/people/{contact}/merge", {"other": "WANG@example.com"}).status_code == 303
    assert rows(database, ContactRow)[str(other)]["merged_into"] == contact
    shown = senior.get(f"/people/{contact}").text
    assert "已合并为同一客户" in shown
    send(senior, "/undo", {"sealed": field(shown, "sealed"), "key": "0" * 32})
    assert rows(database, ContactRow)[str(other)]["merged_into"] is None
    missing = send(senior, f"/people/{contact}/merge", {"other": "no@example.com"})
    assert missing.status_code == 404

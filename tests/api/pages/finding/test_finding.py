"""The search page, filter chips and saved views."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from store.db.engine import Database
from tests.app_client import AppClient
from tests.inbox_builder import Builder

FORM = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(autouse=True)
def cases(database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        first = build.conversation(
            reference="AAAAAAAAA", handle="wang.fang@pay.example.com", name="王芳", subject="轉帳", status="resolved"
        )
        message = build.message(first, subject="轉帳", text="我的錢沒有收到，金額 1,200.00 元")
        build.attachment(message, name="轉帳憑證.pdf")
        second = build.conversation(reference="BBBBBBBBB", handle="+8613800138000", name="Ann", labels=["vip"])
        build.message(second, text="Where is my <b>refund</b> of ¥1200?", sender_name="Ann")
        hidden = build.conversation(reference="CCCCCCCCC", handle="x@example.com", name="王芳", team="risk")
        build.message(hidden, text="我的钱")


def found(browser: AppClient, query: str, **more: str) -> tuple[str, dict[str, list[str]]]:
    page = browser.get(f"/search?{urlencode({'q': query, **more})}").text
    groups = {}
    for name in ("people", "conversations", "files"):
        part = re.search(rf'aria-labelledby="found-{name}">(.*?)</section>', page, re.DOTALL)
        links = re.findall(r'<li><a href="/(?:conversations|people)/([\w-]+)', part[1]) if part else []
        groups[name] = links
    return page, groups


@pytest.mark.parametrize(
    ("query", "people", "conversations", "files"),
    [
        ("钱没有", 0, ["AAAAAAAAA"], 0),
        ("转账", 0, ["AAAAAAAAA"], 1),
        ("1200", 0, ["AAAAAAAAA", "BBBBBBBBB"], 0),
        ("¥1,200", 0, ["AAAAAAAAA", "BBBBBBBBB"], 0),
        ("138 0013 8000", 1, [], 0),
        ("aaaaaaaaa", 0, ["AAAAAAAAA"], 0),
        ("wang.fang", 1, [], 0),
        ("nothing like it", 0, [], 0),
        ("%_'\\", 0, [], 0),
    ],
)
def test_one_box_finds_everything(
    browser: AppClient, query: str, people: int, conversations: list[str], files: int
) -> None:
    _, groups = found(browser, query)
    assert (len(groups["people"]), sorted(groups["conversations"]), len(groups["files"])) == (
        people,
        conversations,
        files,
    )


def test_matches_are_marked_and_a_customers_markup_is_text(browser: AppClient) -> None:
    page, _ = found(browser, "refund")
    assert "&lt;b&gt;<mark>refund</mark>&lt;/b&gt;" in page
    page, _ = found(browser, "钱沒有")
    assert "<mark>錢沒有</mark>" in page
    page, _ = found(browser, "￥1200")
    assert "<mark>1,200.00</mark>" in page
    page, _ = found(browser, "王芳", only="people")
    assert "<mark>王芳</mark>" in page


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_message_without_a_subject_is_found_under_the_title_of_its_conversation(
    browser: AppClient, database: Database, language: str
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(reference="DDDDDDDDD", handle="+8613800138001", subject="我的退款在哪里")
        build.message(case, subject="", text="还有，请给我打电话")
    page = browser.get("/search?q=打电话", headers={"Accept-Language": language}).text
    assert '<a href="/conversations/DDDDDDDDD">我的退款在哪里</a>' in page
    assert "no subject" not in page
    assert "无主题" not in page


def test_the_search_asks_the_database_the_same_for_many_results(browser: AppClient, database: Database) -> None:
    counted: list[Any] = []

    def queries() -> int:
        counted.clear()
        assert browser.get("/search?q=refund").status_code == 200
        return sum("FROM" in each for each in counted)

    def write(*numbers: int) -> None:
        with database.write() as connection:
            build = Builder(connection)
            for number in numbers:
                case = build.conversation(handle=f"refund{number}@example.com", name="Refund")
                build.attachment(build.message(case, text="refund"), name="refund.pdf")

    sa.event.listen(database.engine, "before_cursor_execute", lambda *row: counted.append(row[2]))
    write(0, 1)
    some = queries()
    write(*range(2, 14))
    assert queries() == some


def test_a_filter_is_a_chip_that_takes_itself_away_and_a_list_can_be_kept(browser: AppClient) -> None:
    page = browser.get("/?view=all&label=vip&team=payments&sort=oldest").text
    chips = re.findall(r'<a class="chip team" href="([^"]+)"', page)
    assert [unescape(each) for each in chips] == [
        "/?view=all&label=vip&sort=oldest",
        "/?view=all&team=payments&sort=oldest",
    ]

    kept = unescape(re.search(r'name="query" value="([^"]*)"', page)[1])  # type: ignore[index]
    answer = browser.post("/views", content=urlencode({"query": kept, "name": "VIP 客户", "team": ""}), headers=FORM)
    assert answer.headers["location"] == "/?label=vip&sort=oldest&team=payments&view=all"
    page = browser.get(answer.headers["location"]).text
    assert re.search(r'aria-current="page" title="VIP 客户">.*VIP 客户</span> <span class="count">1</span>', page)
    assert re.search(r'VIP 客户</span> <span class="count">1</span>', browser.get("/").text)

    view = re.search(r"/views/([\w-]+)/delete", page)
    assert view is not None
    assert browser.post(f"/views/{view[1]}/delete", headers=FORM).status_code == 303
    assert "VIP 客户" not in browser.get("/").text
    assert browser.post("/views", content=urlencode({"query": "sort=x", "name": ""}), headers=FORM).status_code == 422


def test_the_cases_of_a_team_that_left_the_file_are_found(browser: AppClient, database: Database) -> None:
    assert "left-team" not in browser.get("/").text
    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(reference="DDDDDDDDD", handle="y@example.com", team="old-team"), text="hello")
        build.conversation(handle="z@example.com", team="old-team", status="resolved")
    page = browser.get("/").text
    said = page.partition("left-team")[2].partition("</p>")[0]
    assert "open cases in it: 1" in said
    assert '<option value="old-team">' in page
    (link,) = re.findall(r'href="([^"]+)"', said)
    listed = browser.get(unescape(link)).text
    assert re.findall(r'id="row-[^"]+".*?/conversations/(\w+)', listed, re.DOTALL) == ["DDDDDDDDD"]

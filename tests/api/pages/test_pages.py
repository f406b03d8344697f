"""The HTML of the pages, as the server sends it; the browser tests open it in a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlencode

import pytest

from store.db.engine import Database
from tests.app_client import AppClient
from tests.inbox_builder import NOON, TRACE, Builder

MINUTE = timedelta(minutes=1)
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{7*7}}"


class Tags(HTMLParser):
    """The elements of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
def reference(database: Database) -> str:
    with database.write() as connection:
        build = Builder(connection)
        conversation_id = build.conversation(
            reference="K7QF2MXD4", first_reply_due_at=NOON - 5 * MINUTE, subject="Payment failed", emergency=True
        )
        message_id = build.message(conversation_id, mail=b"x", html="<p>My payment <b>failed</b></p>", quoted="> hi")
        build.attachment(message_id, name="收据.pdf")
        build.outbound(conversation_id)
    return "K7QF2MXD4"


def test_the_list_shows_what_is_due(browser: AppClient, reference: str) -> None:
    page = browser.get("/").text
    assert f"/conversations/{reference}" in page
    for words in ("Payment failed", "Failed transaction", "Payments", "overdue by 5 min", "Emergency", "Li Wei"):
        assert words in page, words


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?team=payments", True),
        ("?team=risk", False),
        ("?status=resolved", False),
        ("?status=all&overdue=true", True),
        ("?contact=li@example.com&category=failed_transaction&channel=support-mail", True),
        ("?category=refund", False),
        ("?assignee=Wang", False),
        ("?unassigned=true", True),
        # A view that says whose its conversations are gives way.
        ("?view=mine&unassigned=true", True),
        # The empty values that a form sends for untouched fields.
        ("?status=open&team=&category=&channel=&contact=", True),
    ],
)
def test_the_list_is_filtered_by_its_address(browser: AppClient, reference: str, query: str, *, shown: bool) -> None:
    assert (f"/conversations/{reference}" in browser.get(f"/{query}").text) is shown


def test_the_conversations_of_one_agent_are_listed_whatever_the_view(browser: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.conversation(subject="Theirs", assignee="Wang")
        build.conversation(subject="Waits", assignee="Wang", status="pending")
        build.conversation(subject="Nobodys")
    for query, shown, kept in (
        ("view=open&assignee=Wang", {"Theirs"}, "assignee=Wang&view=open"),
        ("view=unassigned&assignee=Wang", {"Theirs"}, "assignee=Wang&view=open"),
        ("view=mine&assignee=Wang", {"Theirs"}, "assignee=Wang&view=open"),
        ("view=all&assignee=Wang", {"Theirs", "Waits"}, "assignee=Wang&view=all"),
        ("view=all&unassigned=true", {"Nobodys"}, "unassigned=true&view=all"),
    ):
        page = browser.get(f"/?{query}").text
        assert {name for name in ("Theirs", "Waits", "Nobodys") if f">{name}<" in page} == shown, query
        # As a view it is kept as it is shown.
        assert f'name="query" value="{kept}"' in unescape(page)


def test_the_next_page_continues_where_the_page_ends(browser: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        for number in range(45):
            build.conversation(subject=f"case {number:02}", last_message_at=NOON - number * MINUTE)
    first = browser.get("/?team=payments")
    [older] = [a for a in Tags(first.text).of("a") if a.get("rel") == "next"]
    assert "case 39" in first.text
    assert "case 40" not in first.text
    second = browser.get(str(older["href"]))
    assert "case 44" in second.text
    assert "case 39" not in second.text
    assert "team=payments" in str(older["href"])


def test_a_conversation_shows_its_story_and_why_it_is_here(browser: AppClient, reference: str) -> None:
    page = browser.get(f"/conversations/{reference}").text
    for words in (
        "Why it is here",
        "Failed transaction (82 %)",
        "words: payment failed",
        "missing: transaction",
        "not “stolen accounts”: it is no emergency",
        "First reply by 16:00",
        "“money” to team Payments, priority high",
        "收据.pdf",
        "automatic reply",
        "My payment failed but the money was taken.",
    ):
        assert words in page, words


def test_a_customer_without_a_name_is_headed_by_what_is_known_of_them(browser: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(reference="NNNNNNNNN", handle="+8613800138000", name="", channel="phone")
        build.message(case, text="验证码收不到")
    page = browser.get("/conversations/NNNNNNNNN").text
    (link,) = re.findall(r'<a class="known-as" [^>]*href="([^"]+)">\+8613800138000</a>', page)
    their_own = browser.get(link).text
    assert "<h1>+8613800138000</h1>" in their_own
    assert "<title>+8613800138000" in their_own


def test_html_is_shown_in_a_sandboxed_frame(browser: AppClient, reference: str) -> None:
    frames = Tags(browser.get(f"/conversations/{reference}").text).of("iframe")
    [frame] = [each for each in frames if str(each["src"]).startswith("/messages/")]
    assert frame["sandbox"] in {"", None}
    answer = browser.get(str(frame["src"]))
    assert "<p>My payment <b>failed</b></p>" in answer.text
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert "http" not in policy
    assert "script-src" not in policy


def test_customers_text_is_never_markup(browser: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        conversation_id = build.conversation(
            reference="XSS000000", subject=ATTACK, handle=f"{ATTACK}@example.com", name=ATTACK, labels=[ATTACK],
            team=ATTACK, category=ATTACK, channel=ATTACK, language=ATTACK, route=ATTACK, sla=ATTACK, assignee=ATTACK,
            first_reply_due_at=NOON, priority=ATTACK,
        )  # fmt: skip
        message_id = build.message(
            conversation_id, text=ATTACK, quoted=ATTACK, sender_name=ATTACK, sender_handle=ATTACK, origin=ATTACK,
            mail=b"x", trace={"origin": {"kind": ATTACK, "why": [ATTACK]}, ATTACK: ATTACK},
        )  # fmt: skip
        build.attachment(message_id, name=ATTACK, media_type=ATTACK)
        build.outbound(conversation_id, text=ATTACK, recipient=ATTACK, kind=ATTACK, error=ATTACK, state=ATTACK)
        build.quarantined(subject=ATTACK, reason=ATTACK, channel=ATTACK)
        build.polled(ATTACK, error=ATTACK, notice=ATTACK)
    paths = (
        "/",
        "/conversations/XSS000000",
        "/quarantine",
        "/channels",
        "/?" + urlencode({"contact": ATTACK, "team": ATTACK, "status": '"><script>x'}),
    )
    for path in paths:
        answer = browser.get(path)
        assert answer.status_code == 200, path
        tags = Tags(answer.text)
        assert tags.of("script"), path
        assert not [each for each in tags.of("script") if not (each.get("src") or "").startswith("/static/")], path
        assert [each["src"] for each in tags.of("img")] == ["/static/mark.svg"], path
        assert not [name for _, attributes in tags.found for name in attributes if name.startswith("on")], path
        # A template that rendered the expression would show its value.
        assert "{{7*7}}" in answer.text, path


def test_the_quarantine_is_shown_masked_to_those_who_may(
    browser: AppClient, client_of: Callable[[str], AppClient], database: Database
) -> None:
    with database.write() as connection:
        Builder(connection).quarantined(subject="card 4111 1111 1111 1111")
    page = browser.get("/quarantine").text
    assert "its reading took longer than 20 s" in page
    assert "4111 1111" not in page
    assert client_of("viewer").get("/quarantine").status_code == 403


def test_channels_show_whether_the_books_balance(browser: AppClient, database: Database) -> None:
    assert "The books balance." in browser.get("/channels").text
    with database.write() as connection:
        Builder(connection).inbound()
    assert "do not balance" in browser.get("/channels").text


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("zh-CN,zh;q=0.9,en;q=0.8", "收件箱"), ("en-GB,en;q=0.9", "Inbox"), ("de-DE,zh;q=0.5", "收件箱"), ("", "Inbox")],
)
def test_the_browsers_language_decides(browser: AppClient, accepted: str, expected: str) -> None:
    assert expected in browser.get("/", headers={"Accept-Language": accepted}).text


def test_a_chosen_language_stays(browser: AppClient, reference: str) -> None:
    page = browser.get("/?language=zh&status=open").text
    assert '<html lang="zh-CN"' in page
    assert "交易失败" in page
    assert "已超时 5 分钟" in page
    later = browser.get(f"/conversations/{reference}").text
    assert "分派依据" in later
    assert '<html lang="en"' in browser.get("/?language=en").text


def test_pages_work_without_scripts_and_contain_no_inline_script(browser: AppClient, reference: str) -> None:
    for path in ("/", f"/conversations/{reference}", "/quarantine", "/channels", "/sign-in"):
        tags = Tags(browser.get(path).text)
        assert not tags.of("style"), path
        assert tags.of("script"), path
        assert not [each for each in tags.of("script") if not (each.get("src") or "").startswith("/static/")], path
        assert not [1 for _, attributes in tags.found if "style" in attributes], path


def test_pages_can_be_used_without_a_mouse_and_read_aloud(browser: AppClient, reference: str) -> None:
    for path in ("/", f"/conversations/{reference}", "/quarantine", "/channels", "/sign-in"):
        page = browser.get(path).text
        tags = Tags(page)
        assert tags.of("html")[0]["lang"], path
        assert len(tags.of("main")) == 1, path
        assert page.count("<h1") == 1, path
        assert tags.of("a")[0]["href"] == "#main", path
        ids = [attributes["id"] for _, attributes in tags.found if "id" in attributes]
        assert len(ids) == len(set(ids)), path
        for frame in tags.of("iframe"):
            assert frame["title"], path


def test_a_trace_of_another_version_is_shown_as_it_is(browser: AppClient, database: Database) -> None:
    with database.write() as connection:
        build = Builder(connection)
        conversation_id = build.conversation(reference="K7QF2MXD4")
        build.message(conversation_id, trace={"classification": "by hand", "route": None, "due": TRACE["due"]})
    page = browser.get("/conversations/K7QF2MXD4").text
    assert "by hand" in page
    assert "Promise “money”" in page


@pytest.mark.parametrize(
    ("language", "words", "mark"),
    [
        ("en", "The owner of this address did not write this.", "forged sender"),
        ("zh", "该邮件并非由该地址的主人发出", "发件人系伪造"),
    ],
)
def test_a_forged_sender_has_a_banner_and_a_mark(
    browser: AppClient, database: Database, language: str, words: str, mark: str
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        pointed_at = build.conversation(reference="K7QF2MXD4")
        forged = build.conversation(reference="K7QF2MXD5", linked_to=pointed_at)
        first = build.message(forged, sender_proof="failed", received_at=NOON - 5 * MINUTE)
        # However long the case becomes, and whatever is shown of it.
        for _ in range(60):
            build.message(forged, sender_proof="unproven")
    page = browser.get("/conversations/K7QF2MXD5", headers={"Accept-Language": language}).text
    (banner,) = [each for each in Tags(page).of("div") if each.get("id") == "forged"]
    assert banner["role"] == "alert"
    assert words in page
    assert f"/conversations/{pointed_at}" in page
    assert f'">{mark}</span>' not in page
    earlier = re.search(r'class="earlier"><a href="([^"]+)"', page)
    assert earlier
    older = browser.get(unescape(earlier[1]), headers={"Accept-Language": language}).text
    assert f'">{mark}</span>' in older
    assert words in older
    assert browser.get(f"/api/v1/messages/{first}").json()["sender_proof"] == "failed"


@pytest.mark.parametrize(("proof", "mark"), [("unproven", "sender not verified"), ("proven", ""), ("", "")])
def test_a_sender_that_is_not_verified_has_a_mark_and_no_banner(
    browser: AppClient, database: Database, proof: str, mark: str
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        build.message(build.conversation(reference="K7QF2MXD4"), sender_proof=proof)
    page = browser.get("/conversations/K7QF2MXD4").text
    assert 'id="forged"' not in page
    assert ("sender not verified" in page) is bool(mark)


@pytest.mark.parametrize(("proof", "is_marked"), [("unproven", True), ("proven", False)])
def test_a_note_that_only_says_that_it_is_from_us_has_a_warning(
    browser: AppClient, database: Database, proof: str, is_marked: bool
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(reference="K7QF2MXD4")
        build.message(case, mail=b"Subject: x\r\n\r\nx\r\n", direction="note", origin="ourselves", sender_proof=proof)
    assert ("says that it is from us; nothing confirms it" in browser.get("/conversations/K7QF2MXD4").text) is is_marked


def test_an_address_that_no_route_has_keeps_the_side_bar_of_who_is_signed_in(
    browser: AppClient, anonymous: AppClient
) -> None:
    page = browser.get("/nowhere")
    assert (page.status_code, "There is no such page" in page.text, 'id="queues"' in page.text) == (404, True, True)
    unknown = anonymous.get("/nowhere", headers={"Accept": "text/html"})
    assert (unknown.status_code, 'id="queues"' in unknown.text) == (404, False)


def test_lines_of_the_desk_are_in_the_readers_language_and_the_customers_words_stay(
    browser: AppClient, database: Database
) -> None:
    with database.write() as connection:
        build = Builder(connection)
        case = build.conversation(
            reference="K7QF2MXD4", subject="Missed call 未接来电", handle="+8613800138000", name=""
        )
        build.message(case, text="Voicemail 语音留言 · 0:09\nTranscript by machine 机器转写: my Call 来电 failed")
    for language, subject, text in (
        ("zh", "未接来电", "语音留言 · 0:09\n机器转写: my Call 来电 failed"),
        ("en", "Missed call", "Voicemail · 0:09\nTranscript by machine: my Call 来电 failed"),
    ):
        listed = browser.get(f"/?language={language}").text
        assert f">{subject}</a>" in listed
        page = browser.get(f"/conversations/K7QF2MXD4?language={language}").text
        assert f">{subject}</h1>" in page
        assert text in page
        # Found by its reference, a customer without a name is named by the number.
        assert "+8613800138000" in browser.get(f"/search?q=K7QF2MXD4&language={language}").text

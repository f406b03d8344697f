"""The live desk in a real browser: the stream, the panes, and what an agent uses at the moment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, BrowserContext, Page, Route

from api.app import create_app
from router.event_kinds import EventKind
from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.agents import add_agent
from store.events.append import NewEvent, append_events
from store.tables.messages import ConversationRow
from tests.api.browser.journey import DESKTOP, PATIENCE, PHONE, TABLET, enter_token, expect, serious
from tests.api.conftest import settings_in
from tests.inbox_builder import Builder
from tests.migrated import new_database
from tests.served_app import serve_app
from workers.chores.agent_notices import notice_step
from workers.chores.publish_events import Publisher

HOUR = timedelta(hours=1)


@dataclass
class Served:
    """A desk with twelve conversations of one team, and what browsers said about it."""

    url: str
    database: Database
    tokens: dict[str, str]
    cases: list[UUID]
    said: list[str] = field(default_factory=list)

    def window(self, chromium: Browser, name: str, **more: Any) -> Page:
        context = chromium.new_context(locale="en-GB", **more)
        page = self.tab(context)
        page.goto(self.url)
        enter_token(page, self.tokens[name])
        page.wait_for_url(f"{self.url}/")
        page.wait_for_selector("html[data-live=yes]")
        # Rows do not move under the pointer, which is where the button was.
        page.mouse.move(1, 1)
        return page

    def tab(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda message: self.said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.said.append(str(error)))
        return page

    def arrive(self, subject: str, **more: Any) -> UUID:
        with self.database.write() as connection:
            build = Builder(connection, now=datetime.now(UTC))
            case = build.conversation(subject=subject, handle=f"{subject}@example.com", name=subject, **more)
            build.message(case, text=f"About {subject}")
            append_events(connection, [NewEvent(EventKind.CONVERSATION_OPENED, case, at=build.now)])
        return case

    def change(
        self, case: UUID, kind: EventKind = EventKind.MESSAGE_RECEIVED, *, text: str = "", **values: Any
    ) -> None:
        with self.database.write() as connection:
            build, table = Builder(connection, now=datetime.now(UTC)), table_of(ConversationRow)
            if text:
                build.message(case, text=text, received_at=build.now)
                values["last_message_at"] = build.now
            changed = sa.update(table).where(table.c.id == case).values(version=table.c.version + 1, **values)
            connection.execute(changed)
            append_events(connection, [NewEvent(kind, case, at=build.now)])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("live")
    database = new_database(folder / "omniyard.db")
    with database.write() as connection:
        tokens = {name: add_agent(connection, name=name, role="agent")[1] for name in ("Ming", "Li")}
        build = Builder(connection, now=datetime.now(UTC) - HOUR)
        cases = []
        for number in range(12):
            at = build.now - number * HOUR
            case = build.conversation(
                reference=f"BBBBBBB{number:02}", subject=f"Question {number}.", last_message_at=at,
                first_reply_due_at=at + 48 * HOUR, handle=f"customer{number}@example.com", name=f"Customer {number}",
            )  # fmt: skip
            build.message(case, text="Where is my refund? " * 20, received_at=at, html="<p>Where?</p>")
            cases.append(case)
    app = create_app(settings_in(folder), database=database)
    publisher = Publisher(database, takeover=timedelta(seconds=5), steps=(notice_step,))
    publisher.start()
    with serve_app(app) as url:
        served = Served(url, database, tokens, cases)
        yield served
    publisher.stop(seconds=5)
    database.close()
    assert served.said == []


def test_moving_through_the_list_loads_no_page_and_back_returns(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Ming", viewport=DESKTOP)
    page.evaluate("window.same = true")
    list_pane, case_pane = page.locator("#list-pane"), page.locator("#case-pane")
    page.evaluate("document.querySelector('.list-body').scrollTop = 200")
    page.click("text=Question 5.")
    page.wait_for_url("**/conversations/BBBBBBB05")
    expect(case_pane.locator("h1")).to_contain_text("Question 5.")
    expect(page.locator("aside")).to_be_visible()
    expect(list_pane.locator(".row.chosen")).to_contain_text("Question 5.")
    assert page.evaluate("document.querySelector('.list-body').scrollTop") == 200
    # By keys: the next row, opened with the focus on its heading.
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/conversations/BBBBBBB06")
    expect(case_pane.locator("h1")).to_be_focused()
    assert "Question 6." in page.title()
    # Another queue next to the open conversation, kept by a reload; then back, and back.
    page.click("nav.tabs >> text=All")
    expect(list_pane.locator("ol.with-status")).to_be_visible()
    assert page.evaluate("window.same") is True
    page.reload()
    expect(list_pane.locator("ol.with-status .row.chosen")).to_contain_text("Question 6.")
    page.go_back()
    expect(list_pane.locator("ol.list:not(.with-status) .row")).not_to_have_count(0)
    page.go_back()
    expect(case_pane.locator("h1")).to_contain_text("Question 5.")
    page.keyboard.press("u")
    page.wait_for_url(f"{desk.url}/")
    expect(list_pane.locator("a:focus")).to_contain_text("Question 5.")
    # A form acts in place, too.
    page.click("text=Question 7.")
    expect(case_pane.locator("h1")).to_contain_text("Question 7.")
    page.evaluate("window.same = true")
    page.click("#actions button[value=take]")
    expect(page.locator(".toast")).to_contain_text("It is yours.")
    expect(case_pane.locator("#head")).to_contain_text("Ming")
    # Its row stays marked when its box is ticked and cleared again.
    mine = list_pane.locator(".row", has_text="Question 7.")
    mine.locator(".pick").press("Space")
    expect(mine.locator(".pick")).to_be_checked()
    mine.locator(".pick").press("Space")
    expect(mine.locator(".pick")).not_to_be_checked()
    assert "chosen" in (mine.get_attribute("class") or "").split()
    list_pane.locator("[data-filters] > summary").click()
    with page.expect_response("**/?*channel=*"):
        list_pane.locator("[name=channel]").select_option(index=1)
    expect(list_pane.locator("#filter-chips")).to_be_visible()
    assert page.evaluate("window.same") is True
    page.context.close()


def test_new_mail_and_changes_appear_in_every_tab_by_one_stream(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Ming", viewport=TABLET, color_scheme="dark")
    streams: list[str] = []
    page.context.on("request", lambda request: streams.append(request.url) if "/desk/stream" in request.url else None)
    other = desk.tab(page.context)
    other.goto(f"{desk.url}/?view=all")
    other.wait_for_selector("html[data-live=yes]")
    case = desk.arrive("Arrived")
    for tab in (page, other):
        row = tab.locator("ol.list > li", has_text="Arrived")
        expect(row.first).to_be_visible()
        expect(row.first).to_have_class("row unread")
    assert streams == [], "the second tab listens to the first one's stream"
    # The tab with the stream goes; the other one takes over, and misses nothing.
    page.close()
    desk.change(case, EventKind.CONVERSATION_STATUS_CHANGED, status="resolved")
    expect(other.locator("ol.list > li", has_text="Arrived").first).to_have_class("row done unread")
    other.wait_for_selector("html[data-live=yes]")
    assert len(streams) == 1
    other.context.close()


def test_a_list_of_one_agent_gets_by_the_stream_what_is_that_agents_alone(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Ming", viewport=TABLET)
    for query, subject, comes in (("assignee=Li", "Lis", True), ("unassigned=true", "Taken", False)):
        page.goto(f"{desk.url}/?view=all&{query}")
        page.wait_for_selector("html[data-live=yes]")
        page.evaluate("window.same = true")
        # What belongs into the list comes last: then the other one would be there, too.
        desk.arrive(f"{subject} other", assignee=None if comes else "Li")
        desk.arrive(subject, assignee="Li" if comes else None)
        expect(page.locator("ol.list > li .what a").first).to_have_text(subject)
        assert page.locator("ol.list > li", has_text=f"{subject} other").count() == 0
        assert page.evaluate("window.same") is True
    page.context.close()


def test_what_an_agent_uses_is_never_reset(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Ming", viewport=DESKTOP)
    case = desk.cases[9]
    page.click("text=Question 9.")
    page.wait_for_url("**/conversations/BBBBBBB09")
    page.fill("aside input[name=label]", "half-typed")
    page.click("aside summary")
    page.locator("article summary").first.click()
    page.fill("#text", "My answer")
    page.evaluate("""() => {
        const words = document.querySelector("article .text").firstChild;
        document.getSelection().setBaseAndExtent(words, 0, words, 8);
        document.querySelector("#text").focus();
        document.querySelector("#story").scrollTop = 33;
    }""")
    desk.change(case, text="Here is the number.", priority="urgent")
    expect(page.locator("#story article")).to_have_count(2)
    expect(page.locator("#head .chip.urgent")).to_be_visible()
    expect(page.locator("#news")).to_contain_text("new")
    assert page.input_value("aside input[name=label]") == "half-typed"
    assert page.locator("aside details[open]").count() == 1
    assert page.locator("article details[open]").count() == 1
    assert page.input_value("#text") == "My answer"
    assert page.evaluate("document.activeElement.id") == "text"
    assert page.evaluate("document.querySelector('#story').scrollTop") == 33
    # Rows do not move under the pointer: what is new waits for a press.
    page.hover("ol.list > li >> nth=3")
    before = page.locator("ol.list > li").all_inner_texts()
    desk.arrive("Meanwhile")
    expect(page.locator("#pending")).to_have_text("1 new, show")
    assert page.locator("ol.list > li").all_inner_texts()[:3] == before[:3]
    # Danger does not wait, and comes above the band of waiting chats.
    page.evaluate("""() => {
        const band = Object.assign(document.createElement("li"), { className: "band", textContent: "Chats waiting" });
        document.querySelector("ol.list").prepend(band);
    }""")
    desk.arrive("Help", emergency=True)
    expect(page.locator("ol.list > li").first).to_contain_text("Help")
    expect(page.locator("ol.list > li").nth(1)).to_have_text("Chats waiting")
    page.click("#pending")
    expect(page.locator("ol.list > li", has_text="Meanwhile")).to_be_visible()
    page.context.close()


def test_the_customers_drawer_stays_open_when_news_comes(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Ming", viewport=TABLET)
    case = desk.cases[8]
    page.goto(f"{desk.url}/conversations/BBBBBBB08")
    page.wait_for_selector("html[data-live=yes]")
    page.click("[data-customer]")
    desk.change(case, text="Here is one more thing.", priority="urgent")
    expect(page.locator("#head .chip.urgent")).to_be_visible()
    expect(page.locator("#aside")).to_be_visible()
    expect(page.locator("[data-customer]")).to_have_attribute("aria-expanded", "true")
    page.click("[data-customer]")
    expect(page.locator("#aside")).to_be_hidden()
    page.context.close()


def answered_late(page: Page, address: str, *, after: Callable[[], None]) -> None:
    """Let the next answer from an address reach the page when it has heard of what the server did since.

    after: what changes a conversation after the server has made its answer.
    """
    page.evaluate("document.addEventListener('desk:row', () => { document.documentElement.dataset.heard = 'yes'; })")

    def hold(route: Route) -> None:
        answer = route.fetch()
        page.evaluate("delete document.documentElement.dataset.heard")
        after()
        page.wait_for_selector("html[data-heard=yes]")
        route.fulfill(response=answer)

    page.route(address, hold, times=1)


def test_a_late_answer_does_not_undo_what_the_page_has_heard_of_since(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Ming", viewport=DESKTOP)
    list_pane, rows = page.locator("#list-pane"), page.locator("#list-pane .list .row")
    # Another list
    answered_late(page, f"{desk.url}/?view=all", after=lambda: desk.change(desk.cases[9], subject="Changed under way."))
    page.click("nav.tabs >> text=All")
    expect(list_pane.locator("ol.with-status")).to_be_visible()
    expect(rows.locator("text=Changed under way.")).to_be_visible()
    # The same list, of which one answer is on its way when the next one is wanted
    answered_late(page, f"{desk.url}/?view=all", after=lambda: desk.change(desk.cases[9], subject="Changed again."))
    # It brings a row back, which says that it has come.
    page.evaluate("id => document.getElementById(id).remove()", f"row-{desk.cases[11]}")
    page.evaluate("document.dispatchEvent(new CustomEvent('desk:ask'))")
    expect(rows.locator("text=Question 11.")).to_be_visible()
    expect(rows.locator("text=Changed again.")).to_be_visible()
    # A conversation
    case = f"{desk.url}/conversations/BBBBBBB09"
    answered_late(page, case, after=lambda: desk.change(desk.cases[9], text="One thing more, please."))
    rows.locator("text=Changed again.").click()
    expect(page.locator("#story")).to_contain_text("One thing more, please.")
    page.context.close()


def test_news_while_the_list_is_on_its_way_is_asked_for_when_it_has_come(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Ming", viewport=DESKTOP)
    asked = list[str]()

    def hold(route: Route) -> None:
        asked.append(route.request.url)
        answer = route.fetch()
        if len(asked) == 1:
            # Only the server knows what stands in the band of chats: the page hears that it changed.
            page.evaluate("document.dispatchEvent(new CustomEvent('desk:ask'))")
            page.wait_for_timeout(1000)
        route.fulfill(response=answer)

    page.route(f"{desk.url}/", hold)
    with page.expect_response(lambda answer: len(asked) == 2 and answer.url == f"{desk.url}/"):
        page.evaluate("document.dispatchEvent(new CustomEvent('desk:ask'))")
    page.unroute_all(behavior="wait")
    page.context.close()


def test_a_new_beginning_while_the_list_is_on_its_way_brings_the_conversation_too(
    chromium: Browser, desk: Served
) -> None:
    page = desk.window(chromium, "Ming", viewport=DESKTOP)
    case = f"{desk.url}/conversations/BBBBBBB10"
    page.goto(case)
    page.wait_for_selector("html[data-live=yes]")

    def hold(route: Route) -> None:
        answer = route.fetch()
        page.evaluate("document.dispatchEvent(new CustomEvent('desk:reset'))")
        route.fulfill(response=answer)

    page.route(f"{desk.url}/", hold, times=1)
    with page.expect_response(case):
        page.evaluate("document.dispatchEvent(new CustomEvent('desk:ask'))")
    page.context.close()


def test_an_action_before_the_list_has_come_leaves_the_list_to_come(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Ming", viewport=DESKTOP)
    page.goto(f"{desk.url}/?view=all")
    list_pane, took = page.locator("#list-pane"), list[bool]()

    def hold(route: Route) -> None:
        if not took:
            took.append(True)
            page.click("#actions [value=take]")
            expect(page.locator(".toast")).to_contain_text("It is yours.")
        route.continue_()

    page.route(f"{desk.url}/?view=all", hold)
    page.goto(f"{desk.url}/conversations/BBBBBBB10", wait_until="commit")
    expect(list_pane.locator(".row.chosen")).to_contain_text("Question 10.")
    expect(page.locator(".toast")).to_contain_text("It is yours.")
    page.context.close()


def test_an_agent_who_went_on_before_an_action_was_answered_stays_there(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Ming", viewport=DESKTOP)
    heading, held = page.locator("#case-pane h1"), list[Route]()
    page.click("text=Question 1.")
    expect(heading).to_contain_text("Question 1.")
    page.route("**/change", lambda route: held.append(route))  # noqa: PLW0108  (a built-in has no code)
    with page.expect_request("**/change"):
        page.click("#actions [value=take]")
    page.click("text=Question 11.")
    expect(heading).to_contain_text("Question 11.")
    held[0].continue_()
    expect(page.locator(".toast")).to_contain_text("It is yours.")
    expect(heading).to_contain_text("Question 11.")
    page.context.close()


def test_an_action_on_its_way_is_shown_and_not_sent_again_although_news_comes(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Ming", viewport=DESKTOP)
    case = desk.cases[0]
    sent: list[Route] = []
    page.route("**/change", lambda route: sent.append(route))  # noqa: PLW0108  (a built-in has no code)
    page.goto(f"{desk.url}/conversations/BBBBBBB00")
    page.wait_for_selector("html[data-live=yes]")
    take = page.locator("#actions [value=take]")
    take.click()
    expect(page.locator("#actions form[aria-busy=true]").first).to_be_visible()
    desk.change(case, text="Here is one more thing.", priority="urgent")
    expect(page.locator("#head .chip.urgent")).to_be_visible()
    expect(page.locator("#actions form[aria-busy=true]").first).to_be_visible()
    take.click()
    assert len(sent) == 1
    page.context.close()


def test_a_page_asks_by_itself_where_no_stream_gets_through(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Li", viewport=PHONE)
    page.context.route("**/desk/stream**", lambda route: route.fulfill(status=503))
    page.goto(f"{desk.url}/?view=open")
    page.wait_for_selector("html[data-live=no]")
    desk.arrive("Polled")
    expect(page.locator("ol.list > li", has_text="Polled")).to_be_visible()
    page.context.close()
    desk.said[:] = [line for line in desk.said if "503" not in line]


def test_an_ended_session_and_a_lost_connection_leave_what_was_typed(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Li", viewport=TABLET)
    page.click("text=Question 3.")
    page.wait_for_url("**/conversations/BBBBBBB03")
    page.fill("#text", "Typed for an hour")
    page.context.set_offline(True)
    page.click("button[value=note]")
    expect(page.locator("#strip")).to_contain_text("No connection")
    page.context.set_offline(False)
    expect(page.locator("#strip")).to_be_hidden()
    page.context.clear_cookies()
    page.click("button[value=note]")
    expect(page.locator("#refusal")).to_contain_text("Your session has ended")
    assert page.input_value("#text") == "Typed for an hour"
    page.context.close()
    desk.said[:] = [line for line in desk.said if not re.search("40[13]|INTERNET_DISCONNECTED", line)]


def test_a_colleague_who_types_is_seen_at_once_and_a_resolved_row_leaves(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Ming", viewport=DESKTOP)
    page.click("text=Question 8.")
    page.wait_for_url("**/conversations/BBBBBBB08")
    other = desk.window(chromium, "Li", viewport=TABLET)
    other.goto(f"{desk.url}/conversations/BBBBBBB08")
    expect(page.locator("#presence")).to_have_text("Li is looking at this")
    other.click("#text")
    other.keyboard.type("I will")
    expect(page.locator("#presence")).to_have_text("Li is replying")
    other.fill("#text", "")
    expect(page.locator("#presence")).to_have_text("Li is looking at this")
    other.click("[data-customer]")
    other.click("#actions button[value=resolve]")
    expect(page.locator("#head")).to_contain_text("Resolved")
    expect(page.locator("ol.list > li:not(.left)", has_text="Question 8.")).to_have_count(0)
    other.context.close()
    page.context.close()


def test_a_phone_shows_one_pane_and_the_list_begins_near_the_top(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Ming", viewport=PHONE)
    top = page.locator("ol.list").bounding_box()
    assert top is not None
    assert top["y"] < 200
    for words in page.locator(".top nav a:visible, .tabs a:visible").all():
        box = words.bounding_box()
        assert box is not None
        assert box["height"] < 50, "a word is broken"
    page.click("text=Question 10.")
    expect(page.locator("#head h1")).to_contain_text("Question 10.")
    expect(page.locator("#list-pane")).to_be_hidden()
    page.click("[data-customer]")
    expect(page.locator("aside")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.go_back()
    expect(page.locator("#list-pane")).to_be_visible()
    expect(page.locator("#case-pane")).to_be_hidden()
    page.context.close()


def test_without_a_script_the_pages_are_as_they_are(chromium: Browser, desk: Served) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(desk.url)
    enter_token(page, desk.tokens["Ming"])
    page.click("text=Question 4.")
    page.wait_for_url("**/conversations/BBBBBBB04")
    for part in ("#head h1", "#text", "#actions button[value=take]", "[data-up]"):
        expect(page.locator(part)).to_be_visible()
    page.click("#actions button[value=take]")
    expect(page.locator("#head")).to_contain_text("Ming")
    page.context.close()


def test_an_agent_is_called_and_the_bell_lists_what_happened(chromium: Browser, desk: Served) -> None:
    li = desk.window(chromium, "Li", viewport=DESKTOP, color_scheme="dark")
    li.evaluate("""() => {
        window.called = [];
        window.Notification = class {
            constructor(said, more) {
                called.push(`${said}: ${more.body}`);
                document.documentElement.dataset.called = called.length;
            }
        };
        window.Notification.permission = "granted";
        document.hasFocus = () => false;
    }""")
    ming = desk.window(chromium, "Ming", viewport=TABLET)
    ming.click("text=Question 2.")
    ming.fill("#text", "@Li please look at this")
    ming.click("button[value=note]")
    expect(ming.locator("article.note")).to_be_visible()
    ming.context.close()
    expect(li.locator("[data-bell] .count")).to_have_text("1")
    li.wait_for_selector("html[data-called='1']")
    desk.arrive("Stolen", emergency=True)
    li.wait_for_selector("html[data-called='2']")
    assert li.evaluate("window.called") == ["Ming mentioned you: Question 2.", "New emergency: Stolen: Stolen"]
    expect(li).to_have_title(re.compile(r"^\(!\d\) "))
    assert "mark-danger" in str(li.get_attribute("link[rel=icon]", "href"))
    # A channel that has lost its connection is said on every page, and the other ones work.
    with desk.database.write() as connection:
        Builder(connection).polled("support-mail", error="refused", error_at=datetime.now(UTC) - HOUR, polled_at=None)
    li.click("[data-bell]")
    expect(li.locator("dialog .bell-list li.unread")).to_contain_text("Ming mentioned you")
    assert serious(li) == []
    li.click("dialog .bell-list a")
    expect(li.locator("#case-pane article.note")).to_be_visible()
    expect(li.locator("#bell")).to_have_count(0)
    li.goto(f"{desk.url}/notices")
    expect(li.locator(".bell-list li")).to_contain_text("Ming mentioned you")
    expect(li.locator("#strip")).to_contain_text("support-mail has had no connection since")
    li.uncheck("[name=emergencies]")
    with li.expect_navigation():
        li.click("form.calls button[type=submit]")
    expect(li.locator("[name=emergencies]")).not_to_be_checked()
    expect(li.locator(".bell-list li")).to_have_count(1)
    expect(li.locator(".bell-list li.unread")).to_have_count(0)
    assert serious(li) == []
    li.context.close()


def test_the_desk_works_by_keys_alone(chromium: Browser, desk: Served) -> None:
    page = desk.window(chromium, "Ming", viewport=DESKTOP)
    # The second key is for the first one as long as a moment lasts, which may be over on a slow machine.
    page.clock.set_fixed_time(datetime.now(UTC))
    page.keyboard.press("g")
    page.keyboard.press("u")
    page.wait_for_url("**/?view=unassigned")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/conversations/*")
    expect(page.locator("#case-pane h1")).to_be_focused()
    page.keyboard.press("s")
    expect(page.locator("#actions details button").first).to_be_focused()
    page.keyboard.press("Escape")
    for key, name in (("p", "priority"), ("a", "assignee"), ("l", "label")):
        page.keyboard.press(key)
        expect(page.locator(f"aside [name={name}]")).to_be_focused()
        page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("go to: mine")
    assert serious(page) == []
    page.keyboard.press("Escape")
    # The palette: a command of the conversation, a row of the list, words to search for.
    page.keyboard.press("Control+k")
    page.keyboard.type("take it")
    assert serious(page) == []
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("It is yours.")
    page.keyboard.press("Control+k")
    page.keyboard.type("question 11")
    page.keyboard.press("Enter")
    expect(page.locator("#case-pane h1")).to_contain_text("Question 11.")
    page.keyboard.press("Control+k")
    page.keyboard.type("refund")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=refund")
    page.context.close()


def test_news_takes_nothing_that_the_page_has_set_the_focus_the_way_back_and_what_is_picked(
    chromium: Browser, desk: Served
) -> None:
    opened, picked = desk.arrive("Way back"), desk.arrive("To be picked")
    page = desk.window(chromium, "Ming", viewport=DESKTOP)
    page.goto(f"{desk.url}/?view=all")
    page.wait_for_selector("html[data-live=yes]")
    page.locator(".row .what a", has_text="Way back").press("Enter")
    heading = page.locator("#head h1")
    expect(heading).to_be_focused()
    desk.change(opened, text="Here is one more thing.", priority="urgent")
    expect(page.locator("#head .chip.urgent")).to_be_visible()
    expect(heading).to_be_focused()
    expect(page.locator("[data-up]")).to_have_attribute("href", "/?view=all")
    backs = page.locator("#case-pane [data-back]").evaluate_all("(fields) => fields.map((field) => field.value)")
    assert set(backs) == {"/?view=all"}
    row = page.locator(f"#row-{picked}")
    row.locator(".pick").check()
    expect(row).to_have_class(re.compile(r"\bchosen\b"))
    desk.change(picked, subject="Is picked")
    expect(row).to_contain_text("Is picked")
    expect(row).to_have_class(re.compile(r"\bchosen\b"))
    page.context.close()

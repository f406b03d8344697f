"""The checks of the chat that need a browser: sleep, blocked streams, shared computers, phones, sounds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route

from benchmarks.rig import wait_until
from store.desk.agents import add_agent
from tests.api.browser.journey import PATIENCE, expect
from tests.api.chat.conftest import token
from tests.live_chat import LiveDesk, heard, live_desk, violations

TWIN = """
[channels.twin]
kind = "chat"
origins = ["https://HOST"]
"""
SHIFTS = """new PerformanceObserver((list) => {
    for (const each of list.getEntries()) window.shift = (window.shift || 0) + each.value;
}).observe({ type: "layout-shift", buffered: true });"""
TONES = """window.tones = 0;
window.AudioContext = class {
    currentTime = 0; destination = {};
    createGain() {
        return { gain: { setValueAtTime() {}, exponentialRampToValueAtTime() {} }, connect: (next) => next };
    }
    createOscillator() {
        return { frequency: {}, connect: (next) => next, start: () => { window.tones += 1; }, stop() {} };
    }
};"""

# What a page does within seconds it does without its timers of half a minute and more.
NO_LATER_LOOK = """const soon = window.setTimeout;
window.setTimeout = (work, wait = 0, ...more) => (wait < 20000 ? soon(work, wait, ...more) : 0);"""

# Between an answer's arrival and its reading, as long as a test wants.
LATE_LINES = """window.late = {
    gate: Promise.resolve(),
    see() {},
    hold() {
        this.gate = new Promise((open) => { this.release = open; });
        this.seen = new Promise((tell) => { this.see = tell; });
    },
};
const json = Response.prototype.json;
Response.prototype.json = async function () {
    const read = await json.call(this);
    if (this.url.includes("/lines?after=")) { late.see(); await late.gate; }
    return read;
};"""


class Staff:
    """An administrator without a browser."""

    def __init__(self, desk: LiveDesk) -> None:
        with desk.database.write() as connection:
            _, secret = add_agent(connection, name="Ming", role="admin")
        self.desk = desk
        self.client = httpx.Client(base_url=desk.url, headers={"Authorization": f"Bearer {secret}"})

    def answer(self, page: Page, text: str) -> None:
        self.desk.hands.work()
        headers = {"Idempotency-Key": uuid4().hex}
        path = f"/api/v1/conversations/{self.reference(page)}/messages"
        self.client.post(path, json={"text": text}, headers=headers).raise_for_status()
        self.desk.hands.work()

    def act(self, page: Page, **form: str) -> None:
        form_headers = {"Sec-Fetch-Site": "same-origin"}
        answer = self.client.post(f"/conversations/{self.reference(page)}/chat", data=form, headers=form_headers)
        assert answer.status_code == 303

    def reference(self, page: Page) -> str:
        self.desk.hands.work()
        return str(page.evaluate("() => fetch('/chat/site/state').then((a) => a.json())")["reference"])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveDesk]:
    with live_desk(tmp_path_factory.mktemp("checks"), more=TWIN) as opened:
        yield opened


@pytest.fixture(scope="module")
def staff(desk: LiveDesk) -> Iterator[Staff]:
    staff = Staff(desk)
    yield staff
    staff.client.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    with chromium.new_context(locale="en-GB", viewport={"width": 390, "height": 844}) as opened:
        opened.set_default_timeout(PATIENCE)
        yield opened


def is_within(element: Locator, *, height: int) -> bool:
    """Return whether an element can be seen whole in a window of this height."""
    box = element.bounding_box()
    return bool(box and 0 <= box["y"] <= height - box["height"])


def begin(page: Page, desk: LiveDesk, text: str = "hello") -> None:
    page.goto(f"{desk.url}/chat/site")
    write(page, text)
    page.wait_for_selector(f".visitor[data-seq]:has-text('{text}')")


def write(page: Page, text: str) -> None:
    page.fill("[data-text]", text)
    page.keyboard.press("Enter")


def test_the_loader_moves_nothing_and_the_frame_needs_four_requests(desk: LiveDesk, context: BrowserContext) -> None:
    page, asked = context.new_page(), []
    page.add_init_script(SHIFTS)
    page.on("request", lambda request: asked.append(request.url))
    page.goto(desk.host)
    page.get_by_role("button", name="打开在线客服").click()
    page.frame_locator("iframe").locator(".scripted [data-text]").wait_for()
    assert page.evaluate("window.shift || 0") == 0
    assert len([url for url in asked if desk.url in url and "loader.js" not in url]) <= 4


def test_the_same_site_without_https_cannot_show_the_frame(desk: LiveDesk, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(desk.host)
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.evaluate(
            "(url) => document.body.append(Object.assign(document.createElement('iframe'), { src: url }))",
            f"{desk.url}/chat/twin/frame",
        )


def test_without_a_place_for_a_stream_the_page_polls_and_nothing_is_lost(
    desk: LiveDesk, context: BrowserContext, staff: Staff
) -> None:
    page = context.new_page()
    full = {"status": 503, "headers": {"Retry-After": "10"}, "content_type": "application/problem+json", "body": "{}"}
    page.route("**/stream*", lambda route: route.fulfill(**full))
    begin(page, desk)
    staff.answer(page, "by polling")
    page.wait_for_selector(".agent:has-text('by polling')")
    expect(page.locator("[data-lines] [data-seq]")).to_have_count(3)


def test_the_page_returns_to_the_stream_five_minutes_after_it_was_blocked(
    desk: LiveDesk, context: BrowserContext
) -> None:
    page, streams = context.new_page(), []
    page.clock.install()
    page.route("**/stream*", lambda route: route.abort())
    begin(page, desk)
    with page.expect_request("**/lines?after=1"):
        pass
    page.unroute("**/stream*")
    page.on("request", lambda request: streams.append(request.url) if "/stream" in request.url else None)
    # Not before (the real time counts too); then at the next look, whenever a busy machine lets the page have it.
    for _ in range(20):
        page.clock.fast_forward(10_000)
        page.wait_for_timeout(20)
    assert streams == []

    def returns() -> bool:
        page.clock.fast_forward(10_000)
        page.wait_for_timeout(50)
        return bool(streams)

    wait_until(returns, seconds=60, every=0)
    # A jump of the clock may cut one that is just being opened.
    assert len(streams) <= 2


def test_a_page_that_slept_is_complete_two_seconds_after_it_wakes(
    desk: LiveDesk, context: BrowserContext, staff: Staff
) -> None:
    page = context.new_page()
    page.clock.install()
    begin(page, desk)
    staff.reference(page)
    reference = staff.reference(page)
    context.set_offline(True)
    headers = {"Idempotency-Key": uuid4().hex}
    path = f"/api/v1/conversations/{reference}/messages"
    staff.client.post(path, json={"text": "while you slept"}, headers=headers).raise_for_status()
    desk.hands.work()
    # From here on no timer of the page runs: it shows what it asks for as it wakes, and waits for nothing.
    page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))
    context.set_offline(False)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(".agent[data-seq]")).to_contain_text("while you slept")


def test_the_secret_is_in_no_url_referrer_or_readable_cookie(
    desk: LiveDesk, context: BrowserContext, staff: Staff
) -> None:
    page, seen = context.new_page(), []
    page.on("request", lambda request: seen.append(request.url + request.headers.get("referer", "")))
    begin(page, desk)
    staff.answer(page, "here")
    page.wait_for_selector(".agent")
    page.reload()
    page.wait_for_selector(".agent")
    (secret,) = [each["value"] for each in context.cookies() if each["name"].startswith("chat-")]
    shown = page.evaluate("document.cookie + document.documentElement.outerHTML + JSON.stringify(sessionStorage)")
    assert not any(secret in each for each in (*seen, shown))


def test_after_signing_out_nothing_of_the_first_visitor_is_left_in_any_tab(
    desk: LiveDesk, context: BrowserContext
) -> None:
    page = context.new_page()
    page.goto(desk.host)
    page.get_by_role("button", name="打开在线客服").click()
    frame = page.frame_locator("iframe")
    frame.locator(".scripted [data-text]").wait_for()
    page.evaluate("(token) => omniyardChat.signIn(async () => token)", token(sub="first"))
    frame.locator("[data-text]").fill("the words of the first")
    frame.locator("[data-text]").press("Enter")
    frame.locator(".visitor[data-seq]").wait_for()
    page.evaluate("omniyardChat.signOut()")
    frame.locator(".visitor").wait_for(state="detached")
    page.evaluate("(token) => omniyardChat.signIn(async () => token)", token(sub="second"))
    frame.locator("[data-text]").fill("the words of the second")
    frame.locator("[data-text]").press("Enter")
    frame.locator(".visitor[data-seq='1']:has-text('second')").wait_for()
    inside = next(each for each in page.frames if "/frame" in each.url)
    # Chromium denies a third-party frame its storage here: then the page has nothing but its memory and its document.
    left = inside.evaluate(
        """() => {
            let kept = "";
            try { kept = JSON.stringify(sessionStorage); } catch { /* denied */ }
            return document.documentElement.outerHTML + kept;
        }"""
    )
    assert "of the first" not in left


def test_words_written_right_after_signing_out_are_the_next_visitors_whatever_answers_late(
    desk: LiveDesk, context: BrowserContext
) -> None:
    context.add_init_script(LATE_LINES)
    sign_outs: list[Route] = []
    context.route("**/sign-out", lambda route: sign_outs.append(route))  # noqa: PLW0108  (a built-in has no code)
    page = context.new_page()
    page.goto(desk.host)
    page.get_by_role("button", name="打开在线客服").click()
    frame = page.frame_locator("iframe")
    frame.locator(".scripted [data-text]").wait_for()
    # A sign-in ends with a look for lines; one that is held back below would keep the sign-out waiting behind it.
    with page.expect_response("**/lines?after=*"):
        page.evaluate("(token) => omniyardChat.signIn(async () => token)", token(sub="earlier"))
    frame.locator("[data-text]").fill("the words of the first")
    frame.locator("[data-text]").press("Enter")
    frame.locator(".visitor[data-seq]").wait_for()
    # Given an answer with the first visitor's lines that the page has not read when they sign out
    inside = next(each for each in page.frames if "/frame" in each.url)
    inside.evaluate("late.hold(); window.dispatchEvent(new Event('online'))")
    inside.evaluate("late.seen")
    with page.expect_request("**/sign-out"):
        page.evaluate("omniyardChat.signOut()")
    frame.locator(".visitor").wait_for(state="detached")
    # When the next one writes before the desk has ended the session
    frame.locator("[data-text]").fill("the words of the second")
    inside.evaluate("late.release()")
    with page.expect_response("**/sign-out"):
        sign_outs[0].continue_()
    frame.locator("[data-text]").press("Enter")
    page.evaluate("(token) => omniyardChat.signIn(async () => token)", token(sub="later"))
    # Then their words arrive, and only theirs
    frame.locator(".visitor[data-seq='1']:has-text('second')").wait_for()
    assert "of the first" not in inside.evaluate("document.documentElement.outerHTML")


def test_words_on_their_way_when_their_visitor_signs_in_arrive_in_the_session_that_goes_on(
    desk: LiveDesk, context: BrowserContext
) -> None:
    sent: list[Route] = []
    # A built-in has no code: the first one is kept, and what is sent again goes on.
    context.route("**/chat/site/lines", lambda route: sent.append(route), times=1)  # noqa: PLW0108
    page = context.new_page()
    page.goto(desk.host)
    page.get_by_role("button", name="打开在线客服").click()
    frame = page.frame_locator("iframe")
    frame.locator(".scripted [data-text]").wait_for()
    frame.locator("[data-text]").fill("written before the sign-in")
    with page.expect_request("**/chat/site/lines"):
        frame.locator("[data-text]").press("Enter")
    # When the sign-in ends the session to which they were sent, before they come there
    with page.expect_response("**/identity"):
        page.evaluate("(token) => omniyardChat.signIn(async () => token)", token(sub="who writes first"))
    sent[0].continue_()
    # Then
    frame.locator(".visitor[data-seq='1']:has-text('before the sign-in')").wait_for()
    expect(frame.locator("[data-text]")).to_have_value("")
    expect(frame.locator("[data-wrong]")).to_be_hidden()


def test_a_second_tab_forgets_with_the_one_that_signed_out(desk: LiveDesk, context: BrowserContext) -> None:
    first, second = context.new_page(), context.new_page()
    begin(first, desk, "mine")
    second.goto(f"{desk.url}/chat/site")
    second.wait_for_selector(".visitor[data-seq]")
    first.evaluate(
        "fetch('/chat/site/sign-out', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{}'})"
    )
    for page in (first, second):
        page.wait_for_selector(".visitor", state="detached")


def test_a_tab_that_was_open_before_the_chat_began_joins_it_and_takes_the_stream_over(
    desk: LiveDesk, context: BrowserContext, staff: Staff
) -> None:
    second, first = context.new_page(), context.new_page()
    second.goto(f"{desk.url}/chat/site")
    second.wait_for_selector(".scripted")
    begin(first, desk, "begun elsewhere")
    second.wait_for_selector(".visitor[data-seq='1']")
    staff.reference(first)
    first.close()
    staff.answer(second, "to the tab that is left")
    second.wait_for_selector(".agent:has-text('left')")


def test_a_line_has_the_time_of_the_visitors_clock_before_and_after_a_reload(desk: LiveDesk, chromium: Browser) -> None:
    with chromium.new_context(locale="en-GB", timezone_id="America/New_York") as context:
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        begin(page, desk)
        shown = page.locator(".visitor time")
        live, at = shown.text_content(), shown.get_attribute("datetime")
        assert at is not None
        assert live == f"{datetime.fromisoformat(at).astimezone(ZoneInfo('America/New_York')):%H:%M}"
        page.reload()
        page.wait_for_selector(".scripted [data-text]")
        expect(shown).to_have_text(live)


def test_the_words_of_a_session_that_is_over_return_into_the_field(desk: LiveDesk, context: BrowserContext) -> None:
    page = context.new_page()
    begin(page, desk)
    page.route("**/chat/site/lines", lambda route: route.fulfill(status=401, body="{}"))
    write(page, "typed into an old page")
    page.wait_for_selector("[data-wrong]:not([hidden])")
    expect(page.locator("[data-text]")).to_have_value("typed into an old page")


def test_back_and_forward_show_the_same_session_and_a_sound_comes_once_and_only_if_asked_for(
    desk: LiveDesk, context: BrowserContext, staff: Staff
) -> None:
    context.add_init_script(TONES)
    first, second = context.new_page(), context.new_page()
    begin(first, desk)
    second.goto(f"{desk.url}/chat/site")
    second.wait_for_selector(".visitor[data-seq='1']")
    staff.answer(first, "without a sound")
    for page in (first, second):
        page.wait_for_selector(".agent:has-text('without')")
        assert page.evaluate("window.tones") == 0
    for page in (second, first):
        page.get_by_role("button", name="A sound for each answer").click()
    # The button itself makes one; then only the tab that was used last
    first.wait_for_timeout(2100)
    staff.answer(first, "with a sound")
    for page in (first, second):
        page.wait_for_selector(".agent:has-text('with a')")
    assert [page.evaluate("window.tones") for page in (first, second)] == [2, 1]
    second.goto("about:blank")
    staff.answer(first, "while away")
    second.go_back()
    second.wait_for_selector(".agent:has-text('while away')")
    assert second.locator("[data-lines] .visitor").count() == 1


def test_a_refused_line_returns_into_the_field_with_a_sentence(desk: LiveDesk, context: BrowserContext) -> None:
    page = context.new_page()
    begin(page, desk)
    page.route("**/chat/site/lines", lambda route: route.fulfill(status=429, body="{}"))
    write(page, "one too many")
    page.wait_for_selector("[data-wrong]:has-text('wait a minute')")
    expect(page.locator("[data-text]")).to_have_value("one too many")


def test_markup_in_both_directions_is_text_and_the_policy_stays_silent(
    desk: LiveDesk, context: BrowserContext, staff: Staff
) -> None:
    page = context.new_page()
    said = heard(page)
    hostile = "<img src=x onerror=alert(1)> javascript:alert(1) \u202eabc a" + "\u0301" * 2000
    page.goto(f"{desk.url}/chat/site")
    write(page, hostile[:2000])
    page.wait_for_selector(".visitor[data-seq='1']")
    staff.answer(page, "<script>alert(1)</script> [x](javascript:alert(1))")
    page.wait_for_selector(".agent:has-text('<script>')")
    assert page.locator("[data-lines] img, [data-lines] script, [data-lines] a").count() == 0
    assert (violations(page), said) == ([], [])


@pytest.mark.parametrize(("language", "scheme"), [("zh-CN", "light"), ("en-GB", "dark")])
def test_axe_finds_nothing_from_the_first_page_to_the_end_and_history_is_not_read_out(
    desk: LiveDesk, chromium: Browser, staff: Staff, language: str, scheme: str
) -> None:
    with chromium.new_context(locale=language, color_scheme=scheme, viewport={"width": 390, "height": 844}) as opened:
        page = opened.new_page()
        begin(page, desk)
        found = violations(page)
        staff.answer(page, "How can I help?")
        page.wait_for_selector(".agent")
        assert page.get_attribute("[data-flow]", "aria-live") == "polite"
        found += violations(page)
        staff.act(page, do="end")
        page.wait_for_selector(".rating")
        found += violations(page)
        assert found == []
        # All by keyboard: from the field to the end of the page, and out of it
        stops = set()
        for _ in range(25):
            page.keyboard.press("Tab")
            stops.add(page.evaluate("document.activeElement.tagName + (document.activeElement.name || '')"))
        assert {"TEXTAREAtext", "INPUTscore"} <= stops
        page.clock.install()
        page.clock.pause_at(datetime.now(UTC) + timedelta(minutes=1))
        page.reload()
        page.wait_for_selector(".visitor")
        assert page.get_attribute("[data-flow]", "aria-live") == "off", "what is there already is not read out"
        page.clock.run_for(1000)
        expect(page.locator("[data-flow]")).to_have_attribute("aria-live", "polite")


def test_a_phone_keeps_the_draft_when_it_is_turned_and_shows_the_last_line(
    desk: LiveDesk, context: BrowserContext
) -> None:
    page = context.new_page()
    begin(page, desk)
    for number in range(8):
        write(page, f"line {number} " + "words " * 20)
    page.wait_for_selector(".visitor[data-seq='9']")
    page.fill("[data-text]", "half a sentence")
    # The keyboard leaves about this much of the page
    for size in ({"width": 390, "height": 500}, {"width": 844, "height": 390}, {"width": 390, "height": 844}):
        page.set_viewport_size(size)
        wait_until(lambda height=size["height"]: is_within(page.locator("[data-text]"), height=height), seconds=60)
        assert page.input_value("[data-text]") == "half a sentence"
    assert page.locator(".visitor[data-seq='9']").is_visible()


def test_a_blocked_visitor_learns_it_within_five_seconds(
    desk: LiveDesk, context: BrowserContext, staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The stream tells it because it is woken, not because it looks again from time to time.
    monkeypatch.setattr("api.chat.chat_stream._HEARTBEAT_SECONDS", 600.0)
    page = context.new_page()
    # A page whose stream is silent would open another one after 35 seconds.
    page.add_init_script(NO_LATER_LOOK)
    begin(page, desk)
    staff.reference(page)
    staff.act(page, do="block")
    page.wait_for_selector("[data-status]:has-text('cannot write here')")
    assert page.locator("[data-text]").is_disabled()
    staff.act(page, do="unblock")
    page.wait_for_selector("[data-text]:enabled")


class ShiftedClock:
    """The desk's clock, moved against the real one."""

    step = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.step

    def set(self, local: str) -> None:
        """Let it be so late now, in the desk's zone."""
        wanted = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Asia/Shanghai"))
        self.step = wanted - datetime.now(UTC)


def test_open_pages_in_three_zones_change_within_five_seconds_of_the_closing(chromium: Browser, tmp_path: Path) -> None:
    clock = ShiftedClock()
    clock.set("2027-03-02 17:30")
    hours = '\n[channels.day]\nkind = "chat"\ncalendar = "day"\n[calendars.day]\ntimezone = "Asia/Shanghai"\n'
    week = 'week = { mon-sun = ["09:00-18:00"] }\ndates = []\n'
    with live_desk(tmp_path, now=clock, more=hours + week) as desk:
        pages = []
        for zone in ("America/Los_Angeles", "Europe/Berlin", "Pacific/Auckland"):
            page = chromium.new_context(locale="en-GB", timezone_id=zone).new_page()
            page.set_default_timeout(PATIENCE)
            # A page that does not know the hour would ask half a minute later.
            page.add_init_script(NO_LATER_LOOK)
            page.goto(f"{desk.url}/chat/day")
            page.wait_for_selector(".scripted [data-subtitle]:has-text('Write to us')")
            pages.append(page)
        clock.set("2027-03-02 17:59:58")
        for page in pages:
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        for page in pages:
            page.wait_for_selector("[data-subtitle]:has-text('Closed now')")
            page.context.close()

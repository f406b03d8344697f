"""Every page and state of the desk in a real browser: axe, what is wider than its place, cut or stacked, the console.

`make test` shows each of them once, with sizes, languages and themes spread over them; `make journeys` all in all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from store.db.bulk import insert_rows
from store.db.ids import new_id
from store.tables.case_records import RatingRow
from store.tables.emergencies import DangerQuestionRow
from tests.api.browser.journey import (
    EVERY_LOOK,
    Look,
    ServedDesk,
    looks,
    overflows,
    page_of,
    serious,
    serve,
    unreadable,
)
from tests.inbox_builder import Builder

HOUR = timedelta(hours=1)
MORE = """
[replies.ask]
text = { en = "Please tell us {missing_facts}. It is {reference}.", zh = "请提供{missing_facts}。编号：{reference}" }
"""
LONG = "The transfer to my sister's account in Guangzhou shows as done but she has not received anything since Monday"
MAIL = '<table bgcolor="#003366"><tr><td style="color:#ffcc00">Theirs</td></tr></table><p style="color:#111">plain</p>'
# A state: the page, and what is done on it: a key, or something to press.
STATES: Mapping[str, tuple[str, Sequence[str]]] = {
    "list": ("/", ()),
    "all": ("/?view=all", ()),
    "empty list": ("/?view=snoozed", ()),
    "filters": ("/?team=payments", ("[data-filters] summary",)),
    "menu": ("/", ("[data-menu]",)),
    "bulk": ("/", ("key:j", "key:x")),
    "palette": ("/", ("key:Control+k",)),
    "keys": ("/", ("key:?",)),
    "emergency": ("/conversations/AAAAAAAAA", ()),
    "question of danger": ("/conversations/CCCCCCCCC", ("#why summary",)),
    "mail": ("/conversations/BBBBBBBB0", ("article details summary",)),
    "note": ("/conversations/BBBBBBBB1", ("[for=mode-note]",)),
    "snooze": ("/conversations/BBBBBBBB1", ("key:s",)),
    "send options": ("/conversations/BBBBBBBB1", (".send-more summary",)),
    "ready texts": ("/conversations/BBBBBBBB2", ("#ready-open",)),
    "customer": ("/conversations/BBBBBBBB0", ("[data-customer]",)),
    "merge": ("/conversations/BBBBBBBB1/merge?with=BBBBBBBB2", ()),
    "split": ("/conversations/BBBBBBBB0/split", ()),
    "search": ("/search?q=bank", ()),
    "bell": ("/notices", ()),
    "new mail": ("/desk/new", ()),
    "texts": ("/ready-texts", ()),
    "quarantine": ("/quarantine", ()),
    "channels": ("/channels", ()),
    "overview": ("/supervisor", ()),
    "report": ("/supervisor/report", ()),
    "agents": ("/settings/agents", ()),
    "hours": ("/settings/hours", ()),
    "ledger": ("/settings/outbound", ()),
    "ratings": ("/settings/ratings", ()),
    "webhooks": ("/settings/webhooks", ()),
    "audit": ("/settings/audit", ()),
    "error": ("/conversations/ZZZZZZZZZ", ()),
    "sign-in": ("/sign-in", ()),
}
USUAL = ("desktop-zh-dark", "tablet-en-light", "phone-zh-light", "phone-en-dark", "desktop-en-light", "tablet-zh-dark")


def fill(build: Builder) -> None:
    danger = build.conversation(
        reference="AAAAAAAAA", subject="My money is gone", emergency=True, handle="a@example.com"
    )
    build.message(danger, text="Someone took my money")
    doubtful = build.conversation(reference="CCCCCCCCC", subject="He asked for the code", possible_danger=True)
    build.message(doubtful, text="He said he was support and I gave him the code")
    question = {"conversation_id": doubtful, "inbound_id": new_id(), "at": build.now}
    question |= {"evidence": {"words": ["gave him the code"], "category": "refund", "danger": 0.09}}
    question |= {"paged": {"team": "risk", "priority": "urgent", "route": "security", "sla": None, "teams": ["risk"]}}
    insert_rows(build.connection, DangerQuestionRow, rows=[question])
    for number in range(4):
        at = build.now - number * 26 * HOUR
        case = build.conversation(
            reference=f"BBBBBBBB{number}", subject=LONG if number else "转账显示成功，对方没收到，已经等了三天",
            opened_at=at, last_message_at=at, first_reply_due_at=at + (number + 1) * HOUR, name="王芳 Wang Fang",
            handle="wang.fang.of.the.long.address@customers.example", priority="high", labels=["refunds"],
        )  # fmt: skip
        first = build.message(case, text=f"{LONG}. " * 3, quoted="> earlier\n" * 9, html=MAIL, received_at=at)
        build.attachment(first, name="a-very-long-name-of-a-receipt-of-the-bank-2026-11-29.pdf")
        note = {"direction": "note", "sender_name": "Li", "origin": "agent", "trace": {}}
        build.message(case, text="The bank says tomorrow.", received_at=at, **note)
        build.outbound(case, text="We have received your message.", kind="auto_reply", state="sent")
        build.outbound(case, text="We look into it.", kind="reply", state="failed", error="552 mailbox full")
    for reference, danger, due_at in (("HHHHHHHHH", True, build.now + 52 * HOUR), ("JJJJJJJJJ", False, None)):
        at = build.now - 300 * HOUR
        old = build.conversation(
            reference=reference, subject=LONG, possible_danger=danger, opened_at=at, last_message_at=at,
            first_reply_due_at=due_at,
        )  # fmt: skip
        build.message(old, text="I have waited for three days, and no one has answered me. " * 3, received_at=at)
        rating = {"closing": new_id(), "conversation_id": old, "rated_at": at, "score": 1 if danger else 5}
        contact = build.contact("li@example.com")
        insert_rows(build.connection, RatingRow, rows=[rating | {"contact_id": contact, "word": LONG * 3}])
    build.quarantined(subject="Odd mail", reason="no sender")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDesk]:
    folder, now = tmp_path_factory.mktemp("looks"), datetime.now(UTC) - HOUR
    with serve(folder, roles={"Root": "admin"}, fill=fill, now=now, more=MORE) as served:
        yield served


def reach(page: Page, steps: Sequence[str]) -> None:
    """Do the steps of a state; what a size does not have, such as a menu, is left out."""
    for step in steps:
        if step.startswith("key:"):
            page.keyboard.press(step.removeprefix("key:"))
        elif (found := page.locator(step).first).is_visible():
            found.click()


@looks("desktop-en-light", "tablet-zh-dark", "phone-zh-light")
def test_each_line_of_a_row_ends_at_its_own_last_part(chromium: Browser, desk: ServedDesk, look: Look) -> None:
    with page_of(chromium, desk, "Root", **look.more) as page:
        page.goto(f"{desk.url}/?view=open")
        for reference, has_clock in (("HHHHHHHHH", True), ("JJJJJJJJJ", False)):
            row = page.locator("ol.list > li", has=page.locator(f"[href='/conversations/{reference}']"))
            subject, glimpse, date, chips = (
                row.locator(each).bounding_box() for each in (".what a", ".glimpse", ".last", ".chips")
            )
            assert subject
            assert glimpse
            assert date
            assert chips
            end = date["x"] + date["width"]
            assert glimpse["x"] + glimpse["width"] == pytest.approx(chips["x"] - 8, abs=1)
            assert chips["x"] + chips["width"] == pytest.approx(end, abs=1)
            # What is too long ends in three dots, and is in reach as a whole.
            for part in (row.locator(".what a"), row.locator(".glimpse")):
                expect(part).to_have_css("text-overflow", "ellipsis")
                assert part.evaluate("(each) => each.scrollWidth > each.clientWidth"), look
            expect(row.locator(".what a")).to_have_attribute("title", LONG)
            assert chips["width"] < date["width"], "what the long date takes, the glimpse keeps"
            if has_clock:
                clock = row.locator(".clock").bounding_box()
                assert clock
                assert subject["x"] + subject["width"] == pytest.approx(clock["x"] - 8, abs=1)
                line = row.locator(".what").bounding_box()
                assert line
                assert subject["width"] >= 0.45 * line["width"]
            else:
                assert subject["x"] + subject["width"] == pytest.approx(end, abs=1)


@looks(*USUAL)
def test_every_page_and_state_reads_well(chromium: Browser, desk: ServedDesk, look: Look) -> None:
    # In `make test` each state is shown in one of the usual looks, in `make journeys` in all twelve.
    names = list(STATES) if EVERY_LOOK else list(STATES)[USUAL.index(str(look)) :: len(USUAL)]
    wrong: dict[str, list[str]] = {}
    with page_of(chromium, desk, "Root", **look.more) as page:
        for name in names:
            path, steps = STATES[name]
            page.goto(desk.url + path)
            if path.startswith("/conversations") and look.size != "phone":
                page.locator("#list-pane .row").first.or_(page.locator("main h1")).first.wait_for()
            reach(page, steps)
            found = [*serious(page), *unreadable(page), *(["wider than the window"] if overflows(page) else [])]
            if found:
                wrong[name] = found
    assert wrong == {}


@looks("phone-en-light")
def test_no_page_is_wider_than_a_phone_with_the_longer_language(
    chromium: Browser, desk: ServedDesk, look: Look
) -> None:
    wide = []
    with page_of(chromium, desk, "Root", **look.more) as page:
        for path in dict.fromkeys(path for path, _ in STATES.values()):
            page.goto(desk.url + path)
            if overflows(page):
                wide.append(path)
    assert wide == []

"""What an agent sends after the session has ended comes back, signed in by password and without a script."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import httpx
import pytest

from store.db.engine import Database
from store.desk.agents import add_agent
from store.desk.passwords import set_password
from tests.api.conftest import MovingClock
from tests.api.pages.case_page import CASE, FORM, OURS, box, hidden
from tests.api.pages.composer.conftest import case, settings
from tests.api.pages.settings_page import PASSWORD, found
from tests.app_client import AppClient
from tests.authenticator import code_at

__all__ = ["case", "settings"]
HTML = {**OURS, "Accept": "text/html", "Accept-Language": "en", "Content-Type": FORM}
LONG = "客户的钱包被锁定，" * 2_000 + "end"


@pytest.fixture
def known(
    quick_passwords: None, database: Database, app: Any, portal: Any, clock: MovingClock
) -> tuple[AppClient, str]:
    """A browser without a session, and the secret of its agent's authenticator."""
    with database.write() as connection:
        add_agent(connection, name="Li Na", role="senior")
        set_password(connection, name="Li Na", password=PASSWORD)
    browser = AppClient(app, portal, headers=HTML)
    step = browser.post("/sign-in/password", content=urlencode({"name": "Li Na", "password": PASSWORD})).text
    secret = found(r'id="secret">([^<]+)<', step).replace(" ", "")
    ticket = {"ticket": hidden(step, "ticket"), "code": code_at(secret, now=clock())}
    browser.post("/sign-in/code", content=urlencode(ticket))
    browser.cookies.clear()
    clock.move(timedelta(minutes=1))
    return browser, secret


def fields_of(page: str) -> dict[str, str]:
    """Return the hidden fields of the page's first form that has them."""
    names = ("next", "text", "kind", "recipient", "copies", "kept", "again", "ticket")
    return {name: unescape(hidden(page, name)) for name in names if f'name="{name}"' in page}


def enter(known: tuple[AppClient, str], path: str, clock: MovingClock, **typed: str) -> Any:
    """Send a form without a session, and sign in as the pages lead; a wrong password and a wrong code first."""
    browser, secret = known
    body = urlencode(typed)
    away = browser.post(path, content=body)
    assert away.status_code == 307
    page = browser.post(away.headers["location"], content=body).text
    for password, step in (("not this one", "password"), (PASSWORD, "password")):
        page = browser.post(
            f"/sign-in/{step}", content=urlencode(fields_of(page) | {"name": "Li Na", "password": password})
        ).text
    page = browser.post("/sign-in/code", content=urlencode(fields_of(page) | {"code": "000000"})).text
    right = code_at(secret, now=clock())
    return browser.post("/sign-in/code", content=urlencode(fields_of(page) | {"code": right}))


@pytest.mark.parametrize(("kind", "way"), [("reply", "say"), ("note", "say"), ("reply", "draft")])
def test_a_posted_answer_or_note_is_a_draft_after_the_password(
    known: tuple[AppClient, str], clock: MovingClock, case: UUID, kind: str, way: str
) -> None:
    answer = enter(known, f"{CASE}/{way}", clock, text=LONG, kind=kind, key="a" * 32, copies="boss@wallet.example")
    assert (answer.status_code, answer.headers["location"]) == (303, CASE)
    page = known[0].get(CASE).text
    assert box(page) == LONG
    assert "boss@wallet.example" in page


def test_a_posted_new_mail_is_shown_again_after_the_password(
    known: tuple[AppClient, str], clock: MovingClock, case: UUID
) -> None:
    typed = {
        "to": "wang@example.com",
        "name": "Wang Fang",
        "subject": "Your card",
        "text": 'Dear "Wang"\n\n<b>Hello</b>',
    }
    typed |= {"channel": "out", "team": "payments", "key": "b" * 32}
    answer = enter(known, "/desk/new", clock, **typed)
    assert (answer.status_code, 'action="/desk/new"' in answer.text) == (200, True)
    assert "<b>Hello</b>" not in answer.text
    assert {name: unescape(hidden(answer.text, name)) for name in typed} == typed
    # The press sends it, in the session that has begun.
    sent = known[0].post("/desk/new", content=urlencode(typed))
    assert (sent.status_code, sent.headers["location"].startswith("/conversations/")) == (303, True)


@pytest.mark.parametrize("size", [1, 3_000_000])
def test_a_new_mail_with_files_keeps_its_text(known: tuple[AppClient, str], case: UUID, size: int) -> None:
    typed, files = {"to": "wang@example.com", "text": "你好，\n\n见附件"}, {"files": ("a.txt", b"a" * size)}
    form = httpx.Request("POST", "http://testserver/desk/new", data=typed, files=files)
    said = {"Content-Type": form.headers["content-type"]}
    away = known[0].post("/desk/new", content=form.read(), headers=said)
    assert away.status_code == 307
    page = known[0].post(away.headers["location"], content=form.read(), headers=said).text
    assert 'name="kept"' in page
    assert "你好，" in unescape(page)
    assert "见附件" in unescape(page)


@pytest.mark.parametrize(("text", "status"), [("a\x00b", 400), ("长" * 40_001, 413), ("长" * 40_000, 200)])
def test_a_form_with_files_has_no_room_for_what_others_may_not_have(
    known: tuple[AppClient, str], text: str, status: int
) -> None:
    form = httpx.Request("POST", "http://testserver/sign-in", data={"text": text}, files={"files": ("a.txt", b"a")})
    said = {"Content-Type": form.headers["content-type"]}
    assert known[0].post("/sign-in?again=/desk/new", content=form.read(), headers=said).status_code == status


@pytest.mark.parametrize("path", ["/ready-texts", "/signatures", "/calls"])
def test_other_forms_that_hold_writing_come_back_too(
    known: tuple[AppClient, str], clock: MovingClock, path: str
) -> None:
    answer = enter(known, path, clock, text="Written for minutes", team="payments")
    assert (answer.status_code, f'action="{path}"' in answer.text) == (200, True)
    assert "Written for minutes" in answer.text


def test_after_a_sign_in_in_another_tab_the_text_goes_on_by_one_press(
    known: tuple[AppClient, str], clock: MovingClock, case: UUID
) -> None:
    browser, secret = known
    kept = {"next": CASE, "text": "Typed before", "kind": "reply"}
    early = browser.post("/sign-in/kept", content=urlencode(kept))
    assert (early.status_code, hidden(early.text, "text")) == (401, "Typed before")
    step = browser.post("/sign-in/password", content=urlencode({"name": "Li Na", "password": PASSWORD})).text
    ticket = {"ticket": hidden(step, "ticket"), "code": code_at(secret, now=clock())}
    assert browser.post("/sign-in/code", content=urlencode(ticket)).status_code == 303
    assert browser.post("/sign-in/kept", content=urlencode(kept)).headers["location"] == CASE
    assert box(browser.get(CASE).text) == "Typed before"


def test_a_form_of_another_site_or_for_another_page_is_not_kept(anonymous: AppClient, case: UUID) -> None:
    foreign = HTML | {"Sec-Fetch-Site": "cross-site"}
    for path in ("/sign-in?again=/desk/new", "/sign-in/kept", "/sign-in/code", "/sign-in/password"):
        assert anonymous.post(path, content="text=x", headers=foreign).status_code == 403
    page = anonymous.post("/sign-in?next=/&again=/settings/agents", content="name=x&role=admin", headers=HTML)
    assert 'name="kept"' not in page.text

"""Ready texts and macros: written by supervisors on a page, used by agents with a press."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from api.http.permissions import Role
from api.text.terms.starter_texts import STARTER_TEXTS, StarterText
from router.masking.mask import mask
from router.replies.placeholders import fill, unfilled
from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.composer.ready_texts import list_ready_texts
from store.tables.composer import DraftRow
from store.tables.messages import ConversationRow
from store.tables.operations import OutboundRow
from tests.api.pages.case_page import CASE, OURS, box, hidden, press, row, save_draft
from tests.app_client import AppClient

PAGE = "/ready-texts"
REFUND = {
    "title": "Refund is on its way",
    "folder": "Refunds",
    "code": "rf",
    "text_en": "Dear {customer}, about {reference}: {amount} comes back. {agent}",
    "text_zh": "{customer}您好，{reference} 的退款已处理。",
}


@pytest.fixture
def supervisor(client_of: Callable[[str], AppClient]) -> AppClient:
    found = client_of(Role.SUPERVISOR)
    found.headers["Accept"] = "text/html"
    return found


def written(supervisor: AppClient, **fields: str) -> str:
    """Write a ready text; return its id."""
    answer = supervisor.post(PAGE, data=fields)
    assert answer.status_code == 303, answer.text
    page = supervisor.get(PAGE).text
    return re.findall(rf'edit=([0-9a-f-]+)#edit"><strong>{fields["title"]}', page)[0]


@pytest.mark.parametrize(
    ("text", "filled", "gaps"),
    [
        ("Dear {customer}", "Dear Li", ()),
        ("{amount} and {amount} by {day}", "{amount} and {amount} by {day}", ("{amount}", "{day}")),
        ("{empty} {Not} { no } {}", "{empty} {Not} { no } {}", ("{empty}",)),
    ],
)
def test_placeholders_without_a_value_stay(text: str, filled: str, gaps: tuple[str, ...]) -> None:
    found = fill(text, {"customer": "Li", "empty": ""})
    assert (found, unfilled(found)) == (filled, gaps)


def test_a_text_is_written_changed_used_and_deleted(supervisor: AppClient, browser: AppClient, case: UUID) -> None:
    text_id = written(supervisor, **REFUND)
    page = browser.get(f"{CASE}?canned={text_id}").text
    assert box(page) == "Dear Li Wei, about K7QF2MXD4: {amount} comes back. the agent"
    # A gap is not sent.
    refused = press(browser, f"{CASE}/say", page=page, kind="reply", text=box(page))
    assert (refused.status_code, "fill in {amount} first" in refused.text) == (422, True)
    changed = REFUND | {"id": text_id, "title": "Refund", "text_en": "Card 4111 1111 1111 1111", "team": "risk"}
    assert written(supervisor, **changed) == text_id
    shown = supervisor.get(f"{PAGE}?edit={text_id}").text
    assert ("4111 1111" in shown, "退款已处理" in shown) == (False, True)
    # It is another team's now.
    assert text_id not in browser.get(CASE).text
    assert supervisor.post(f"{PAGE}/{text_id}/delete").status_code == 303
    assert "There is no ready text yet" in supervisor.get(PAGE).text


def test_only_supervisors_write_them_and_nonsense_is_refused(
    supervisor: AppClient, browser: AppClient, case: UUID
) -> None:
    assert browser.post(PAGE, data=REFUND, headers=OURS).status_code == 403
    assert browser.get(PAGE).status_code == 403
    for wrong in ({"title": " "}, {"text_en": "", "text_zh": ""}, {"priority": "mad"}):
        assert supervisor.post(PAGE, data=REFUND | wrong).status_code == 422, wrong
    assert supervisor.post(PAGE, data=REFUND | {"id": "x"}).status_code == 404


def test_a_macro_sends_and_acts_with_one_press_and_is_undone(
    supervisor: AppClient, browser: AppClient, database: Database, case: UUID, settings: Any
) -> None:
    more = {"labels": "vip, refund", "status": "resolved", "take": "yes", "text_en": "It is done, {customer}."}
    macro = written(supervisor, **REFUND | more)
    other = written(supervisor, title="Only mine", take="yes", priority="urgent")
    save_draft(browser, "Something half written")
    page = browser.get(CASE).text
    assert press(browser, f"{CASE}/macro", page=page, macro=macro, text="Something half written").status_code == 303
    found = row(database, id=case)
    assert (found["labels"], found["assignee"], found["status"]) == (["vip", "refund"], "the agent", "resolved")
    assert row(database, OutboundRow, conversation_id=case)["text"] == "It is done, Li Wei."
    # What was half written stays, and a second press of the same form does nothing more.
    assert press(browser, f"{CASE}/macro", page=page, macro=macro).status_code == 303
    with database.read() as connection:
        drafts = list(connection.execute(sa.select(table_of(DraftRow).c.text)).scalars())
        assert connection.execute(sa.select(sa.func.count()).select_from(table_of(OutboundRow))).scalar() == 1
    assert drafts == ["Something half written"]
    # Actions without a text, and back again.
    assert press(browser, f"{CASE}/macro", macro=other).status_code == 303
    assert row(database, id=case)["priority"] == "urgent"
    page = browser.get(CASE).text
    assert "Done: Only mine." in page
    assert press(browser, "/undo", page=page, sealed=hidden(page, "sealed")).status_code == 303
    assert row(database, id=case)["priority"] == "high"


def test_a_macro_goes_with_an_answer_in_one_transaction(
    supervisor: AppClient, browser: AppClient, database: Database, case: UUID
) -> None:
    macro = written(supervisor, **REFUND | {"labels": "refund", "text_en": "It is done."})
    table = table_of(ConversationRow)
    page = browser.get(CASE).text
    with database.write() as connection:
        connection.execute(sa.update(table).where(table.c.id == case).values(version=2))
    answer = {"kind": "reply", "text": "It is done. Bye", "macro": macro}
    assert press(browser, f"{CASE}/say", page=page, **answer).status_code == 409
    assert row(database, id=case)["labels"] == []
    assert press(browser, f"{CASE}/say", **answer).status_code == 303
    assert row(database, id=case)["labels"] == ["refund"]
    gone = press(browser, f"{CASE}/say", **answer | {"macro": "0" * 32})
    assert gone.status_code == 404


def test_a_fresh_desk_offers_texts_that_are_taken_over_once(supervisor: AppClient, database: Database) -> None:
    page = supervisor.get(f"{PAGE}?language=zh").text
    keys = re.findall(r'name="key" value="([a-z-]+)" checked', page)
    assert "如何重置密码" in page
    assert len(keys) == len(STARTER_TEXTS)
    for _ in range(2):
        taken = {"key": [key for key in keys if key != "refund-merchant"]}
        assert supervisor.post(f"{PAGE}/starters?language=zh", data=taken).status_code == 303
    with database.read() as connection:
        listed = list_ready_texts(connection)
    assert len(listed) == len(keys) - 1
    assert {each.folder for each in listed} == {"重置密码", "账户锁定", "交易失败", "退款", "账户安全"}
    # What is there is not offered again.
    assert 'name="key"' not in supervisor.get(PAGE).text


def test_an_agent_may_not_take_them_over(browser: AppClient) -> None:
    assert browser.post(f"{PAGE}/starters", data={"key": "refund-ask"}).status_code == 403


@pytest.mark.parametrize("text", STARTER_TEXTS, ids=lambda text: text.key)
def test_an_offered_text_can_be_sent_as_it_is(text: StarterText) -> None:
    for language, said in text.texts.items():
        assert unfilled(said) == ()
        assert mask(said).text == said
        # A period, an amount or a share is the operator's to say; a list has numbers.
        assert not re.search(r"\d+\s*(小时|天|日|个工作日|分钟|元|%|hours?|days?|minutes?|yuan)", said), language
        assert not re.search(r"保证|一定会|马上退|guarantee|we will refund|will be refunded", said), language
    assert set(text.texts) == {"zh", "en"}
    assert all(all(part) for part in (text.folder, text.title))


def test_no_two_offered_texts_share_a_code_or_a_key() -> None:
    assert len({each.code for each in STARTER_TEXTS}) == len({each.key for each in STARTER_TEXTS}) == len(STARTER_TEXTS)

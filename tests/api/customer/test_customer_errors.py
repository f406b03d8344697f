"""Customers' errors: a page of their own with links that they may use, in both languages, and no term of the desk."""

from __future__ import annotations

import re

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI

from tests.app_client import AppClient

PAGE = {"Accept": "text/html"}
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def visitor(app: FastAPI, portal: BlockingPortal) -> AppClient:
    return AppClient(app, portal, headers=PAGE)


def check(answer: httpx.Response, *, status: int, says: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert says in answer.text
    assert 'href="/help"' in answer.text
    for term in ('href="/"', "inbox", "收件箱", "`"):
        assert term not in answer.text, term


@pytest.mark.parametrize("path", ["/help/x/y/z", "/answer/x/y", "/case", "/chat/none", "/contact/x", "/nowhere"])
def test_a_page_that_does_not_exist_leads_customers_to_the_help_and_never_to_the_inbox(
    visitor: AppClient, path: str
) -> None:
    check(visitor.get(path, headers={"Accept-Language": "en"}), status=404, says="This page does not exist")
    check(visitor.get(path, headers={"Accept-Language": "zh-CN"}), status=404, says="页面不存在")


def test_other_errors_of_customers_say_what_they_can_do(visitor: AppClient) -> None:
    check(visitor.get("/case/x/answer"), status=405, says="This did not work")
    check(visitor.post("/help", headers={"Sec-Fetch-Site": "cross-site"}), status=403, says="This did not work")
    large = {"Content-Length": str(10**9), **OURS}
    check(visitor.post("/help", headers=large, content=b""), status=413, says="This is too large")


def test_an_agents_error_leads_back_to_the_inbox(browser: AppClient) -> None:
    for path in ("/nowhere", "/conversations/ZZZZZZZZZ"):
        missing = browser.get(path)
        assert missing.status_code == 404
        assert "Back to the inbox" in missing.text


def test_no_page_of_an_error_shows_a_code(browser: AppClient, visitor: AppClient) -> None:
    refused = browser.post("/undo", data={"sealed": "x"}, headers=OURS)
    pages = [refused, *(each.get("/nowhere") for each in (browser, visitor))]
    for page in pages:
        assert page.status_code >= 400
        (heading,) = re.findall(r"<h1>(.*?)</h1>", page.text)
        assert not re.search(r"\d", heading), heading
        # The number of the request stands in <code>, and the reader's own in an attribute; either may contain 404.
        shown = re.sub(r"<code>.*?</code>|<[^>]*>", " ", page.text)
        assert str(page.status_code) not in shown, page.url

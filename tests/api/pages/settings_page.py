"""The forms of sign-in and settings, as the tests of the pages fill in and send them. A plain module."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.app_client import AppClient

FORM = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
PASSWORD = "correct horse battery"


def send(browser: AppClient, path: str, **fields: Any) -> httpx.Response:
    return browser.post(path, content=urlencode(fields, doseq=True), headers=FORM)


def found(pattern: str, page: str) -> str:
    match = re.search(pattern, page)
    assert match, pattern
    return unescape(match[1])

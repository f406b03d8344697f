"""The demo's Telegram, checked against the published description."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cli.demo.telegram import BOT, CUSTOMER, TOKEN, DemoTelegram, error
from tests.fakes import telegram_contract
from tests.fakes.server import DemoAnswer

__all__ = ["BOT", "CUSTOMER", "TOKEN", "FakeTelegram", "error"]


class FakeTelegram(DemoTelegram):
    """contract: None where the description does not exist."""

    def __init__(self, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.contract = telegram_contract.load()
        super().__init__(clock=clock)

    def call(self, method: str, parameters: dict[str, Any]) -> DemoAnswer:
        if self.contract:
            self.contract.request(method, parameters)
        answer = super().call(method, parameters)
        if self.contract and answer.status == 200:
            self.contract.result(method, answer.document["result"])
        return answer

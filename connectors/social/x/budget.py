"""What reading from X may cost in a day (UTC). Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Self

from router.settings.channels.x import XAccountSettings


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent on a day, in US dollars."""

    day: date
    dollars: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `str` wrote."""
        day, _, dollars = text.partition("=")
        return cls(date.fromisoformat(day), float(dollars))

    def __str__(self) -> str:
        return f"{self.day.isoformat()}={self.dollars:.4f}"

    def on(self, now: datetime) -> Spent:
        """Return what was spent today: nothing yet, if this was another day. now: aware UTC."""
        return self if self.day == now.date() else Spent(now.date())

    def plus(self, dollars: float) -> Spent:
        """Return the sum."""
        return replace(self, dollars=self.dollars + dollars)


def may_read(settings: XAccountSettings, spent: Spent) -> bool:
    """Tell whether reading may go on as usual: the emergency share is still whole."""
    return spent.dollars < settings.daily_budget * (1 - settings.emergency_share)


def may_look_once(settings: XAccountSettings, spent: Spent) -> bool:
    """Tell whether there is money for a look at all."""
    return spent.dollars + settings.read_price <= settings.daily_budget

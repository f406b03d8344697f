"""The day's budget as one request sees it; each count is a transaction of its own, before the call."""

from __future__ import annotations

from datetime import date

from router.settings.machine_answers import ModelEndpointSettings
from store.db.engine import Database
from store.desk.generated.model_days import Outcome, note_outcome, settle_call, take_call
from workers.runtime.failpoints import reach


class DayBudget:
    """See `workers.generated.endpoint.TokenBudget`; for one request."""

    def __init__(self, database: Database, settings: ModelEndpointSettings) -> None:
        self._database, self._settings = database, settings
        self._day: date | None = None

    def take(self, tokens: int) -> bool:
        """See `TokenBudget`."""
        with self._database.write() as connection:
            self._day = take_call(
                connection,
                tokens=tokens,
                per_day=self._settings.per_day,
                tokens_per_day=self._settings.tokens_per_day,
            )
        reach("model.taken")
        return self._day is not None

    def settle(self, *, taken: int, used: int | None) -> None:
        """See `TokenBudget`."""
        reach("model.answered")
        if used is not None and self._day is not None:
            with self._database.write() as connection:
                settle_call(connection, self._day, taken=taken, used=used)

    def note(self, outcome: Outcome) -> None:
        """Count what became of the request."""
        with self._database.write() as connection:
            note_outcome(connection, outcome)

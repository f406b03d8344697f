"""The public holidays of a country, its make-up working days, and the date until which they are known.

The `holidays` library computes the holidays that the law fixes permanently, and lists those that a government
announces year by year. Its list of weekends worked in exchange for a day off ends with the last announcement.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from router.errors import ConfigError
from router.reason import Reason, ReasonKey

if TYPE_CHECKING:
    from holidays import HolidayBase

OBSERVED: Final = " (observed)"
"""Ends the name of a day on which a holiday of a weekend is made up for, as the library writes it."""

# The State Council's notice names whole blocks ("15 to 23 February, 9 days"), weekends included; the library names
# only the weekdays of a block. In other countries a Saturday next to a holiday is an ordinary Saturday.
_NAMES_WHOLE_BLOCKS: Final = frozenset({"CN"})

# If fewer of the last years than this have exchanged days, they are single events (a jubilee, a war), not a yearly
# announcement.
_YEARS_OF_A_CUSTOM: Final = 3


@dataclass(frozen=True, slots=True)
class HolidayYear:
    """One year of a country.

    closed: the public holidays and their names.
    worked: weekend days that are working days, and the day off that each is exchanged for (itself if unknown).
    """

    closed: Mapping[date, Reason]
    worked: Mapping[date, date]


@dataclass(frozen=True, slots=True)
class PublicHolidays:
    """The holidays of `country` (ISO 3166-1, two letters), narrowed to `subdivision` (ISO 3166-2) if there is one."""

    country: str
    subdivision: str | None
    known_until: date
    _years: dict[int, HolidayYear] = field(default_factory=dict, compare=False, repr=False)

    def year(self, year: int) -> HolidayYear:
        """Return the holidays of `year`; after `known_until` only those that the law fixes permanently."""
        # Two threads may both compute a year; they store equal values, so no lock is needed.
        if year not in self._years:
            self._years[year] = _holiday_year(_load(self.country, self.subdivision, year), year)
        return self._years[year]


def public_holidays(code: str) -> PublicHolidays:
    """Return the public holidays that `code` names: "CN", or "DE-BE" for a subdivision.

    Raises ConfigError if the country or subdivision is unknown.
    """
    country, _, subdivision = code.upper().partition("-")
    try:
        source = _load(country, subdivision or None, None)
    except NotImplementedError as error:
        raise ConfigError(
            f'no public holidays are known for "{code}": expected a code such as "CN" or "DE-BE"'
        ) from error
    return PublicHolidays(country, subdivision or None, _known_until(source))


def _load(country: str, subdivision: str | None, year: int | None) -> HolidayBase:
    # The import costs a tenth of a second, so it happens only for a desk that names a country.
    import holidays  # noqa: PLC0415

    _import_no_other_country(holidays)
    # A day may move across New Year, so load the neighbouring years too.
    years = None if year is None else range(year - 1, year + 2)
    # Without a language the library would follow the machine's locale.
    return holidays.country_holidays(country, subdivision, years=years, expand=False, language="en_US")


def _import_no_other_country(library: ModuleType) -> None:
    """Keep the library's package of countries from importing all 250: 8 MB and 60 ms of each process.

    An empty package in its place leads to the same modules, and the library itself imports a country by its module.
    """
    name = f"{library.__name__}.countries"
    if name not in sys.modules:
        package = ModuleType(name)
        package.__path__ = [str(Path(folder) / "countries") for folder in library.__path__]
        sys.modules[name] = package


def _holiday_year(source: HolidayBase, year: int) -> HolidayYear:
    exchanged = dict(_exchanges(source))
    # The library's own name for an exchanged day shows the other day in American date order.
    names = {
        off: Reason(ReasonKey.HOLIDAY_EXCHANGED, {"date": worked.isoformat()}) for worked, off in exchanged.items()
    }
    closed = {
        day: names.get(day) or Reason(ReasonKey.HOLIDAY_NAME, {"holiday_name": name}) for day, name in source.items()
    }
    if source.country in _NAMES_WHOLE_BLOCKS:
        closed |= dict.fromkeys(_weekends_next_to_holidays(source), Reason(ReasonKey.HOLIDAY_WEEKEND))
    closed = {day: name for day, name in sorted(closed.items()) if day.year == year}
    worked = {day: exchanged.get(day, day) for day in source.weekend_workdays if day.year == year}
    return HolidayYear(closed, dict(sorted(worked.items())))


def _weekends_next_to_holidays(source: HolidayBase) -> Iterable[date]:
    """Yield the weekend days that are part of one block with a holiday."""
    for holiday in source:
        for step in (timedelta(days=-1), timedelta(days=1)):
            day = holiday + step
            while source.is_weekend(day) and day not in source and day not in source.weekend_workdays:
                yield day
                day += step


def _exchanges(source: HolidayBase) -> Iterable[tuple[date, date]]:
    """Yield each exchanged working day with its day off."""
    for year, entries in getattr(source, "special_public_holidays", {}).items():
        for entry in _as_rows(entries):
            if len(entry) >= 4:
                month, day, from_month, from_day, *from_year = entry
                yield date(from_year[0] if from_year else year, from_month, from_day), date(year, month, day)


def _as_rows(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    # The library gives a single row as a tuple without an outer tuple.
    return entries if entries and isinstance(entries[0], tuple) else (entries,)


def _known_until(source: HolidayBase) -> date:
    """Return the last day of the last announced year, or of the library's last year where nothing is announced."""
    announced = {off.year for _, off in _exchanges(source)}
    latest = max(announced, default=0)
    if len(announced & set(range(latest - 4, latest + 1))) < _YEARS_OF_A_CUSTOM:
        return date(source.end_year, 12, 31)
    return date(latest, 12, 31)

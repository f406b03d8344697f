"""Public business-time libraries behind one interface, so that `benchmarks.hours` can ask all of them the same.

None of them is a dependency of Omniyard; one that is not installed is reported and left out.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from types import ModuleType
from typing import Any, Final
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One office, open from `opens` to `closes` on weekdays; no lunch, because the libraries support one span a day.

    off: weekdays that are closed.  worked: weekend days that are open.
    """

    name: str
    zone: ZoneInfo
    opens: time
    closes: time
    off: frozenset[date]
    worked: frozenset[date]


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A library that is set up for a desk.

    zones: whether it supports time zones; the others take local times and leave the zone to the caller.
    moment: converts an aware UTC moment into the library's type; it is called outside the measured time.
    utc: converts the library's moment back.  is_open, add, elapsed: None where the library has no such function.
    """

    library: str
    zones: bool
    moment: Callable[[datetime], Any]
    utc: Callable[[Any], datetime]
    is_open: Callable[[Any], bool] | None = None
    add: Callable[[Any, int], Any] | None = None
    elapsed: Callable[[Any, Any], timedelta] | None = None


def _aware(desk: Desk) -> dict[str, Any]:
    return {"zones": True, "moment": lambda at: at.astimezone(desk.zone), "utc": lambda at: at.astimezone(UTC)}


def _naive(desk: Desk) -> dict[str, Any]:
    return {
        "zones": False,
        "moment": lambda at: at.astimezone(desk.zone).replace(tzinfo=None),
        "utc": lambda at: at.replace(tzinfo=desk.zone).astimezone(UTC),
    }


def _pandas(pandas: ModuleType, desk: Desk) -> Peer:
    hours = pandas.offsets.CustomBusinessHour(start=desk.opens, end=desk.closes, holidays=sorted(desk.off))
    return Peer(
        library="pandas",
        zones=True,
        moment=lambda at: pandas.Timestamp(at.astimezone(desk.zone)),
        utc=lambda at: at.to_pydatetime().astimezone(UTC),
        is_open=hours.is_on_offset,
        add=lambda start, count: start + hours * count,
    )


def _businesstimedelta(library: ModuleType, desk: Desk) -> Peer:
    zone = importlib.import_module("pytz").timezone(desk.zone.key)
    week = library.WorkDayRule(start_time=desk.opens, end_time=desk.closes, working_days=[0, 1, 2, 3, 4], tz=zone)
    rules = library.Rules([week, library.HolidayRule(sorted(desk.off), tz=zone)])
    return Peer(
        library="businesstimedelta",
        **_aware(desk),
        is_open=lambda at: bool(rules.next(at)[0] == at),
        add=lambda start, count: start + library.BusinessTimeDelta(rules, hours=count),
        elapsed=lambda start, end: rules.difference(start, end).timedelta,
    )


def _bizdurr(library: ModuleType, desk: Desk) -> Peer:
    hours = {"start": f"{desk.opens:%H:%M}", "end": f"{desk.closes:%H:%M}"}
    weekdays = ("monday", "tuesday", "wednesday", "thursday", "friday")
    office = library.BusinessDuration(
        business_hours=dict.fromkeys(weekdays, hours),
        business_timezone=desk.zone.key,
        holidays=sorted(desk.off),
        overrides={day.isoformat(): hours for day in desk.worked},
    )
    return Peer(library="bizdurr", **_aware(desk), is_open=office.is_within_business_hours, elapsed=office.calculate)


def _business_duration(library: ModuleType, desk: Desk) -> Peer:
    def elapsed(start: datetime, end: datetime) -> timedelta:
        seconds = library.businessDuration(start, end, desk.opens, desk.closes, holidaylist=holidays, unit="sec")
        return timedelta(seconds=float(seconds))

    holidays = dict.fromkeys(desk.off, "off")
    return Peer(library="business_duration", **_naive(desk), elapsed=elapsed)


def _businesstime(library: ModuleType, desk: Desk) -> Peer:
    office = library.BusinessTime(business_hours=(desk.opens, desk.closes), holidays=sorted(desk.off))
    return Peer(
        library="businesstime",
        **_naive(desk),
        is_open=office.isduringbusinesshours,
        elapsed=office.businesstime_hours,
    )


def _officehours(library: ModuleType, desk: Desk) -> Peer:
    office = library.Calculator(f"{desk.opens:%H:%M}", f"{desk.closes:%H:%M}", holidays=sorted(desk.off))
    return Peer(
        library="officehours",
        **_naive(desk),
        is_open=office.is_working_time,
        add=lambda start, count: office.due_date(count, start),
        elapsed=lambda start, end: timedelta(seconds=office.working_seconds(start, end)),
    )


# By the name under which each is imported and installed (pip treats "-" and "_" as equal).
PEERS: Final[Mapping[str, Callable[[ModuleType, Desk], Peer]]] = {
    "pandas": _pandas,
    "businesstimedelta": _businesstimedelta,
    "bizdurr": _bizdurr,
    "business_duration": _business_duration,
    "businesstime": _businesstime,
    "officehours": _officehours,
}


def peers(desk: Desk) -> tuple[list[Peer], list[str]]:
    """Return the installed libraries, set up for `desk`, and the names of the missing ones."""
    found, absent = [], []
    for name, build in PEERS.items():
        try:
            library = importlib.import_module(name)
        except ImportError:
            absent.append(name)
        else:
            found.append(build(library, desk))
    return found, absent

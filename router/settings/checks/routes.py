"""Check routes: one that never matches because an earlier one matches all its messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from router.settings.findings import Finding, Place, shown
from router.settings.model import Condition, Settings, SlaSettings

_EVERYTHING: Final = Condition()
_CHOICES: Final = ("channel", "category", "language", "origin", "signal", "contact")
_SWITCHES: Final = ("emergency", "open", "holiday", "follows_case")


def check_routes(settings: Settings) -> Iterator[Finding]:
    """Find a missing last route, a catch-all that is not the last, and routes that an earlier one hides."""
    routes = settings.routes
    if not routes or routes[-1].when is not None:
        place = ("routes", len(routes) - 1, "when") if routes else ("routes",)
        yield Finding(place=place, message="the last route takes all other messages; expected one without `when`")
    if routes and routes[-1].team is None:
        message = "missing, but required in the last route: it is used for every route and channel without a team"
        yield Finding(place=("routes", len(routes) - 1, "team"), message=message)
    yield from _same_names(settings)
    yield from _held_in_vain(settings)
    yield from _answered_in_public(settings)
    conditions = [route.when or _EVERYTHING for route in routes]
    for number, condition in enumerate(conditions):
        earlier = next((index for index in range(number) if covers(conditions[index], condition)), None)
        if earlier is not None:
            message = f'it never matches: route "{routes[earlier].name}" takes all its messages'
            yield Finding(place=("routes", number), message=message)


def _held_in_vain(settings: Settings) -> Iterator[Finding]:
    for number, route in enumerate(settings.routes):
        if route.hold and route.when and (route.when.emergency or route.when.open):
            message = "no effect: an emergency never waits, and a message that arrives while open has no reason to wait"
            yield Finding(place=("routes", number, "hold"), message=message, level="warning")


def _answered_in_public(settings: Settings) -> Iterator[Finding]:
    public = {name for name, channel in settings.channels.items() if channel.is_public}
    for number, route in enumerate(settings.routes):
        named = public.intersection(route.when.channel) if route.reply and route.when else set()
        for name in sorted(named):
            message = f"no effect on {name}: anybody can read its answers, so no machine answers there"
            yield Finding(place=("routes", number, "reply"), message=message, level="warning")


def covers(wide: Condition, narrow: Condition) -> bool:
    """Return whether every message for which `narrow` holds is one for which `wide` holds.

    False when the two alone do not prove it: a reachable route is never reported as unreachable.
    """
    choices = all(_allows(getattr(wide, key), getattr(narrow, key)) for key in _CHOICES)
    switches = all(getattr(wide, key) in {None, getattr(narrow, key)} for key in _SWITCHES)
    spelled = all(_allows(_folded(getattr(wide, key)), _folded(getattr(narrow, key))) for key in ("words", "sender"))
    return choices and switches and spelled


def _allows(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    # Any element of a list suffices, and an empty list allows everything.
    return not wide or (bool(narrow) and set(narrow) <= set(wide))


def _folded(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word.casefold() for word in words)


def _same_names(settings: Settings) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for number, route in enumerate(settings.routes):
        if first.setdefault(route.name, number) != number:
            message = "an earlier route has this name; expected a different one"
            yield Finding(place=("routes", number, "name"), message=message)


def check_promises(settings: Settings) -> Iterator[Finding]:
    """Find warnings that never come, and teams that are their own fallback."""
    for name, sla in settings.sla.items():
        yield from _warnings(("sla", name), sla)
    for name, team in settings.teams.items():
        if team.fallback == name:
            message = "a team cannot be its own fallback; expected another one"
            yield Finding(place=("teams", name, "fallback"), value=shown(name), message=message)


def _warnings(place: Place, sla: SlaSettings) -> Iterator[Finding]:
    promises = [promise for promise in (sla.first_reply, sla.next_reply, sla.resolve) if promise is not None]
    if sla.on_warning and not sla.warn_before:
        message = "no effect: without warn_before there is no warning"
        yield Finding(place=(*place, "on_warning"), message=message, level="warning")
    if sla.warn_before and promises and max(promises) <= sla.warn_before:
        message = "no effect: every promise of this level is shorter"
        yield Finding(place=(*place, "warn_before"), message=message, level="warning")

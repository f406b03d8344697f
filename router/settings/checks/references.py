"""Check that every name that the file refers to exists in the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from router.settings.channels.base import ChannelSettings
from router.settings.findings import Finding, Place, nearest, shown
from router.settings.model import RouteSettings, Settings, SlaSettings

# Calendars that need no table.
BUILT_IN: Final = frozenset({"always"})
_NOUNS: Final[Mapping[str, str]] = {
    "calendars": "calendar",
    "categories": "category",
    "channels": "channel",
    "replies": "reply",
    "sla": "service level",
    "teams": "team",
}
# Where a name is used, the name, and the section that must define it.
_Reference = tuple[Place, str | None, str]


def check_references(settings: Settings, *, document: Mapping[str, object]) -> Iterator[Finding]:
    """Find references to undefined names.

    document: the parsed file; a table that is not valid still defines its name.
    """
    declared = {section: _names(document.get(section, {})) for section in _NOUNS}
    declared["calendars"] = declared["calendars"] | BUILT_IN
    # A small desk need not define its teams; if it defines some, another name is a typing error.
    free = {"teams"} if "teams" not in document else set()
    for place, name, section in _references(settings):
        if name is not None and section not in free and name not in declared[section]:
            hint = nearest(name, declared[section])
            yield Finding(place=place, value=shown(name), message=f"no {_NOUNS[section]} has this name; {hint}")


def _names(section: object) -> frozenset[str]:
    return frozenset(section) if isinstance(section, Mapping) else frozenset()


def _references(settings: Settings) -> Iterator[_Reference]:
    yield ("omniyard", "rating"), settings.omniyard.rating, "replies"
    yield ("omniyard", "greeting"), settings.omniyard.greeting, "replies"
    yield ("omniyard", "call_for_person"), settings.omniyard.call_for_person, "replies"
    yield ("omniyard", "call_for_person_closed"), settings.omniyard.call_for_person_closed, "replies"
    yield ("emergency", "correction"), settings.emergency.correction, "replies"
    if oidc := settings.desk.oidc:
        yield from ((("desk", "oidc", "teams", value), team, "teams") for value, team in oidc.teams.items())
    for name, channel in settings.channels.items():
        yield from _of_channel(("channels", name), channel)
    for name, calendar in settings.calendars.items():
        yield ("calendars", name, "extends"), calendar.extends, "calendars"
    for name, team in settings.teams.items():
        yield ("teams", name, "fallback"), team.fallback, "teams"
    for name, sla in settings.sla.items():
        yield from _of_sla(("sla", name), sla)
    for number, route in enumerate(settings.routes):
        yield from _of_route(("routes", number), route)


def _of_channel(place: Place, channel: ChannelSettings) -> Iterator[_Reference]:
    yield (*place, "calendar"), channel.calendar, "calendars"
    yield (*place, "team"), channel.team, "teams"
    if chat := channel.chat_page:
        yield (*place, "mail"), chat.mail, "channels"


def _of_sla(place: Place, sla: SlaSettings) -> Iterator[_Reference]:
    yield (*place, "calendar"), sla.calendar, "calendars"
    for key, escalation in (("on_warning", sla.on_warning), ("on_breach", sla.on_breach)):
        yield (*place, key, "team"), escalation.team if escalation else None, "teams"


def _of_route(place: Place, route: RouteSettings) -> Iterator[_Reference]:
    yield (*place, "team"), route.team, "teams"
    yield (*place, "sla"), route.sla, "sla"
    yield (*place, "reply"), route.reply, "replies"
    yield (*place, "ask"), route.ask, "replies"
    if route.when:
        for key, section in (("channel", "channels"), ("category", "categories")):
            names: tuple[str, ...] = getattr(route.when, key)
            yield from (((*place, "when", key, number), name, section) for number, name in enumerate(names))

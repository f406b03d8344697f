from __future__ import annotations

from itertools import product

import pytest

from router.origin.verdicts import OriginKind
from router.settings.checks.routes import covers
from router.settings.model import Condition, OriginName
from router.settings.validation import examine_settings

LAST = '\n[[routes]]\nname = "all"\nteam = "front"\n'


def cases(table):
    """Return the examples of a table: TOML, then after "=>" what is said about it; a blank line between examples."""
    pairs = (example.partition("=> ") for example in table.strip().split("\n\n"))
    return [(text, message.strip()) for text, _, message in pairs]


def said(text, *, level):
    found = examine_settings(text if 'name = "last"' in text else text + LAST).findings
    return [f"{finding.key}: {finding.message}" for finding in found if finding.level == level]


ERRORS = """
# listeners
[omniyard]
listen = "127.0.0.1:8080"
[channels.a]
kind = "smtp"
listen = "0.0.0.0:8080"
tls_certificate = "a"
tls_key = "file:b"
=> channels.a.listen: the web desk has port 8080 of 127.0.0.1, and 0.0.0.0 needs it too; expected another port

[channels.a]
kind = "smtp"
listen = "[::1]:2525"
[channels.b]
kind = "smtp"
listen = "[::]:2525"
tls_certificate = "a"
tls_key = "file:b"
=> channels.b.listen: channel "a" has port 2525 of [::1], and [::] needs it too; expected another port

[channels.a]
kind = "smtp"
listen = "0.0.0.0:2525"
tls_certificate = "a"
tls_key = "file:b"
[channels.b]
kind = "smtp"
listen = "localhost:2525"
=> channels.b.listen: channel "a" has port 2525 of 0.0.0.0, and 127.0.0.1 needs it too; expected another port

# names
[sla.gold]
calendar = "ofice"
[calendars.office]
week = { mon = "24h" }
=> sla.gold.calendar: no calendar has this name; did you mean "office"?

[teams.risk]
[[routes]]
name = "last"
team = "rsik"
=> routes[1].team: no team has this name; did you mean "risk"?

[[routes]]
name = "last"
team = "a"
sla = "gold"
=> routes[1].sla: no service level has this name; there are none

[replies.hi.text]
en = "hi"
[[routes]]
name = "last"
team = "a"
reply = "ho"
=> routes[1].reply: no reply has this name; expected "hi"

[calendars.a]
extends = "b"
=> calendars.a.extends: no calendar has this name; expected "a" or "always"

[categories.refund]
[[routes]]
name = "a"
when = { category = ["refund", "refnd"] }
=> routes[1].when.category[2]: no category has this name; did you mean "refund"?

# hours
[calendars.always]
week = { mon = "24h" }
=> calendars.always: this calendar is built in; expected another name

[calendars.a]
extends = "b"
[calendars.b]
extends = "a"
[calendars.c]
extends = "b"
=> calendars.a.extends: it extends itself through a -> b -> a

[calendars.a]
week = { mon-wed = "24h", wed = "24h" }
=> calendars.a.week.wed: wed is named by "mon-wed" too; expected each day once

# channels
[channels.a]
kind = "imap"
host = "mail.example"
username = "u"
password = "env:P"
[channels.b]
kind = "imap"
host = "MAIL.example"
username = "U"
folder = "Inbox"
oauth_token = "env:T"
=> channels.b.folder: channel "a" has the same source; expected one channel for each

[channels.a]
kind = "smtp"
listen = "localhost:25"
[channels.b]
kind = "smtp"
listen = "127.0.0.1:25"
=> channels.b.listen: channel "a" has the same source; expected one channel for each

[channels.a]
kind = "smtp"
listen = "127.0.0.1:8080"
=> channels.a.listen: the web desk listens there ([omniyard] listen); expected another port

[channels.a]
kind = "smtp"
tls_certificate = "c.pem"
=> channels.a.tls_certificate: tls_certificate and tls_key go together; expected both or neither

[teams.front]
fallback = "frnt"
=> teams.front.fallback: no team has this name; did you mean "front"?

[teams.front]
fallback = "front"
=> teams.front.fallback: a team cannot be its own fallback; expected another one

[teams.front]
[sla.gold]
calendar = "always"
first_reply = "1h"
on_breach = { team = "risk" }
=> sla.gold.on_breach.team: no team has this name; expected "front"

[[routes]]
name = "last"
team = "a"
ask = "more"
=> routes[1].ask: no reply has this name; there are none

# words
[categories.a]
emergency = true
keywords = ["hacked"]
hints = ["money + "]
[[routes]]
name = "alarm"
when = { emergency = true }
=> categories.a.hints[1]: expected "word" or "word + word"

[replies.a.text]
en = "{refrence}"
=> replies.a.text.en: unknown placeholder {refrence}; did you mean "reference"?

[replies.a.text]
en = "{desk.__class__}"
=> replies.a.text.en: unknown placeholder {desk.__class__}; expected "desk", "missing_facts", "next_opening", "reference" or "status_link"

[replies.a.text]
en = "{}"
=> replies.a.text.en: unknown placeholder {}; expected "desk", "missing_facts", "next_opening", "reference" or "status_link"

[replies.a.text]
en = "{desk:>99999999999}"
=> replies.a.text.en: unknown placeholder {desk:>99999999999}; expected "desk", "missing_facts", "next_opening", "reference" or "status_link"

[replies.a.text]
en = "{"
=> replies.a.text.en: a brace has no partner; for a literal brace write {{ or }}

[replies.a.text]
en = " "
=> replies.a.text.en: expected a text that is not empty

[replies.a]
text = {}
=> replies.a.text: expected a text by language such as en = "..."

[categories.a]
emergency = true
=> categories.a.emergency: an emergency needs keywords, whatever a model decides; expected keywords

[categories.a]
keywords = ["a", " "]
=> categories.a.keywords[2]: expected a word that is not empty

[categories.a]
facts = ["acount"]
=> categories.a.facts[1]: there is no fact of this kind; did you mean "account"?

# routes
[[routes]]
name = "last"
team = "a"
when = { open = true }
=> routes[1].when: the last route takes all other messages; expected one without `when`

[[routes]]
name = "last"
=> routes[1].team: missing, but required in the last route: it is used for every route and channel without a team

[[routes]]
name = "a"
team = "a"
=> routes[2]: it never matches: route "a" takes all its messages

[[routes]]
name = "a"
when = {}
=> routes[2]: it never matches: route "a" takes all its messages

[[routes]]
name = "all"
when = { open = true }
=> routes[2].name: an earlier route has this name; expected a different one

[facts.transactoin]
title = { en = "the order number" }
=> facts.transactoin: there is no fact of this kind; did you mean "transaction"?
"""  # noqa: E501  (a sentence of ours is one line)


@pytest.mark.parametrize(("text", "error"), cases(ERRORS))
def test_what_does_not_fit_together_is_an_error(text, error):
    assert said(text, level="error") == [error]


WARNINGS = """
[calendars.a]
week = { mon = "22:00-02:00", tue = ["00:00-06:00", "09:00-12:00"] }
=> calendars.a.week.mon: 22:00-02:00 runs into 00:00-06:00 of tue and counts once; expected spans that do not

[calendars.a]
week = { sun = "20:00-09:30", mon-fri = "09:00-18:00" }
=> calendars.a.week.sun: 20:00-09:30 runs into 09:00-18:00 of mon and counts once; expected spans that do not

[calendars.a]
week = { mon-sun = ["08:00-12:00", "22:00-09:00"] }
=> calendars.a.week.mon-sun: 22:00-09:00 runs into 08:00-12:00 of tue and counts once; expected spans that do not

[calendars.a]
week = { mon = "09:00-18:00" }
[[calendars.a.dates]]
on = 2027-02-05
until = 2027-02-07
open = ["00:00-04:00", "21:00-03:00"]
why = "inventory"
=> calendars.a.dates[1].open: 21:00-03:00 runs into 00:00-04:00 of tomorrow and counts once; expected spans that do not

[calendars.a]
week = { fri = "09:00-18:00" }
[[calendars.a.dates]]
on = 2027-02-04
open = ["22:00-10:00"]
why = "a night before a Friday"
=> calendars.a.dates[1].open: 22:00-10:00 runs into 09:00-18:00 of 2027-02-05 and counts once; \
expected spans that do not

[calendars.a]
week = { thu = "22:00-06:00" }
[[calendars.a.dates]]
on = 2027-02-05
open = ["05:00-09:00"]
why = "an early Friday"
=> calendars.a.dates[1].open: 22:00-06:00 runs into 05:00-09:00 of 2027-02-05 and counts once; \
expected spans that do not

[calendars.a]
week = { mon = "09:00-18:00" }
[[calendars.a.dates]]
on = 2027-02-04
open = ["22:00-06:00"]
why = "a night"
[[calendars.a.dates]]
on = 2027-02-05
open = ["05:00-09:00"]
why = "and an early day"
=> calendars.a.dates[2].open: 22:00-06:00 runs into 05:00-09:00 of 2027-02-05 and counts once; \
expected spans that do not

[webhooks.a]
url = "https://x.example/"
secret = "env:X"
events = ["conversation.openend"]
=> webhooks.a.events[1]: no event is called so; did you mean "conversation.opened"?

[webhooks.a]
url = "https://x.example/"
secret = "env:X"
events = ["conversation.*", "sla.*", "*", "mesage.*"]
=> webhooks.a.events[4]: no event is called so; did you mean "message.noted"?

[categories.a]
hints = ["odd"]
=> categories.a.hints: no effect: hints are for categories with emergency = true

[[routes]]
name = "alarm"
when = { open = true }
hold = true
=> routes[1].hold: no effect: an emergency never waits, and a message that arrives while open has no reason to wait

[sla.gold]
calendar = "always"
first_reply = "1h"
on_warning = { priority = "high" }
=> sla.gold.on_warning: no effect: without warn_before there is no warning

[sla.gold]
calendar = "always"
first_reply = "1h"
warn_before = "1h"
=> sla.gold.warn_before: no effect: every promise of this level is shorter

[calendars.a]
week = { mon = ["09:00-12:00", "11:00-13:00"] }
=> calendars.a.week.mon: 09:00-12:00 and 11:00-13:00 overlap and count once; expected spans that do not

[calendars.a]
week = { mon = ["22:00-06:00", "23:00-24:00"] }
=> calendars.a.week.mon: 22:00-06:00 and 23:00-24:00 overlap and count once; expected spans that do not

[calendars.a]
=> calendars.a: never open: it has neither hours nor a calendar to extend

[calendars.a]
week = { mon = "24h" }
[[calendars.a.dates]]
on = 2027-02-05
open = []
why = "x"
[[calendars.a.dates]]
on = 2027-02-01
until = 2027-02-06
open = []
why = "festival"
=> calendars.a.dates[1]: no effect: the later entry "festival" covers all its days

[channels.a]
kind = "smtp"
listen = "0.0.0.0:25"
=> channels.a.listen: mail from other machines would come in plain text; set tls_certificate and tls_key

[omniyard]
listen = "0.0.0.0:80"
=> omniyard.listen: other machines reach the desk in plain text; put a proxy with TLS before it

[categories.a]
keywords = ["Fee"]
[categories.b]
keywords = ["ｆｅｅ"]
=> categories.b.keywords[1]: also a keyword of "a"

[categories.a]
keywords = ["fee", "fee"]
=> categories.a.keywords[2]: listed twice

[categories.a]
emergency = true
keywords = ["hacked"]
=> categories.a.emergency: no route has emergency = true, so an emergency waits like any other message

[categories.a]
emergency = true
keywords = ["hacked"]
[replies.b.text]
en = "If you were HACKED, tell us"
[[routes]]
name = "a"
when = { emergency = true }
=> replies.b.text.en: it contains "hacked", an emergency's keyword; a customer who quotes it would raise one

# the desk's own words within a text of a third language
[replies.b.text]
en = "We open {next_opening}"
zh-Hant = "{next_opening}"
de = "Wir öffnen {next_opening}"
=> replies.b.text.de: {next_opening} is in English within this text: the desk has it in Chinese and English

[categories.a]
facts = ["amount", "transaction"]
[facts.transaction]
title = { en = "the order number", de = "die Bestellnummer" }
[replies.b.text]
en = "{missing_facts}"
de = "{missing_facts}"
=> replies.b.text.de: {missing_facts} is in English within this text; expected a title in de of facts amount
"""


@pytest.mark.parametrize(("text", "warning"), cases(WARNINGS))
def test_what_looks_wrong_is_a_warning_and_no_error(text, warning):
    assert (said(text, level="warning"), said(text, level="error")) == ([warning], [])


FINE = """
# every fact that is asked for has a name in the language of the reply
[categories.a]
facts = ["transaction"]
[facts.transaction]
title = { de = "die Bestellnummer" }
[replies.b.text]
de-AT = "{missing_facts}"

# a disabled channel may share the source of the one that it replaces
[channels.a]
kind = "smtp"
[channels.b]
kind = "smtp"
enabled = false

# folders of one mailbox; only INBOX may be written in any capitals
[channels.a]
kind = "imap"
host = "mail.example"
username = "u"
password = "env:P"
folder = "x"
[channels.b]
kind = "imap"
host = "mail.example"
username = "u"
password = "env:P"
folder = "X"

# a file that describes no team leaves their names free
[channels.a]
kind = "smtp"
team = "whoever"

# what is built in
[sla.a]
calendar = "always"
[calendars.b]
extends = "always"

# spans that touch
[calendars.a]
week = { mon = ["09:00-12:00", "12:00-13:00"] }

# a later entry that changes one day of an earlier range
[calendars.a]
week = { mon = "24h" }
[[calendars.a.dates]]
on = 2027-02-01
until = 2027-02-06
open = []
why = "x"
[[calendars.a.dates]]
on = 2027-02-05
open = ["10:00-15:00"]
why = "y"

# braces that are meant
[replies.a.text]
en = "{{reference}} {reference}"

# a route that an earlier one only narrows
[[routes]]
name = "a"
when = { open = false, language = "en" }
[[routes]]
name = "b"
when = { open = false }
"""


@pytest.mark.parametrize("text", [text for text, _ in cases(FINE)])
def test_what_is_meant_is_not_complained_about(text):
    assert (said(text, level="error"), said(text, level="warning")) == ([], [])


VALUES = {
    "channel": [(), ("a",), ("a", "b")],
    "words": [(), ("fee",), ("fee", "Refund"), ("refund",)],
    "emergency": [None, True],
    "open": [None, True, False],
}
CONDITIONS = [Condition(**dict(zip(VALUES, values, strict=True))) for values in product(*VALUES.values())]
MESSAGES = [
    {"channel": channel, "words": words, "emergency": emergency, "open": is_open}
    for channel in "abc"
    for words in ((), ("fee",), ("refund",), ("fee", "refund"))
    for emergency in (True, False)
    for is_open in (True, False)
]


def holds(condition, message):
    return (
        (not condition.channel or message["channel"] in condition.channel)
        and (not condition.words or any(word.casefold() in message["words"] for word in condition.words))
        and condition.emergency in {None, message["emergency"]}
        and condition.open in {None, message["open"]}
    )


def test_a_route_is_called_unreachable_exactly_when_no_message_can_reach_it():
    # Every pair of conditions against every message: covers() must agree with what the messages show.
    taken = [{number for number, message in enumerate(MESSAGES) if holds(each, message)} for each in CONDITIONS]
    for wide, narrow in product(range(len(CONDITIONS)), repeat=2):
        claimed = covers(CONDITIONS[wide], CONDITIONS[narrow])
        assert claimed == (taken[narrow] <= taken[wide]), (CONDITIONS[wide], CONDITIONS[narrow])


def test_a_route_may_ask_for_every_origin_that_the_house_distinguishes():
    assert set(OriginName.__args__) == {kind.value for kind in OriginKind}


LISTENER = '[channels.{}]\nkind = "smtp"\nlisten = "{}"\ntls_certificate = "c"\ntls_key = "file:k"\n'


@pytest.mark.parametrize("other", ["127.0.0.2:2525", "127.0.0.1:2526", "[::1]:2525", "mail.example:2525"])
def test_listeners_that_do_not_meet_are_in_order(other):
    assert said(LISTENER.format("a", "127.0.0.1:2525") + LISTENER.format("b", other), level="error") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("0.0.0.0", "10.0.0.7"),
        ("0.0.0.0", "localhost"),
        ("0.0.0.0", "mail.example"),
        ("[::]", "[::1]"),
        ("[::]", "[fd00::7]"),
        ("[::]", "localhost"),
        ("[::]", "mail.example"),
        ("[::]", "127.0.0.1"),
        ("[::]", "0.0.0.0"),
        ("[0:0:0:0:0:0:0:0]", "[::1]"),
        ("[::1]", "[0:0:0:0:0:0:0:1]"),
        ("[::ffff:127.0.0.1]", "127.0.0.1"),
    ],
)
def test_listeners_that_meet_on_a_port_are_an_error_in_either_order(one, other):
    for first, second in ((one, other), (other, one)):
        text = LISTENER.format("a", f"{first}:2525") + LISTENER.format("b", f"{second}:02525")
        [finding] = said(text, level="error")
        assert finding.startswith('channels.b.listen: channel "a" has port 2525 of ')
        assert finding.endswith(" needs it too; expected another port")


@pytest.mark.parametrize(
    ("desk", "mail", "meet"),
    [
        ("[::]", "0.0.0.0", False),
        ("[::]", "127.0.0.1", False),
        ("[::]", "[::1]", True),
        ("0.0.0.0", "[::]", True),
        ("127.0.0.1", "[::]", True),
    ],
)
def test_every_ipv6_address_takes_the_ipv4_port_too_for_mail_and_not_for_the_desk(desk, mail, meet):
    text = f'[omniyard]\nlisten = "{desk}:8080"\n' + LISTENER.format("a", f"{mail}:8080")
    assert bool(said(text, level="error")) == meet


def test_nights_that_end_before_the_next_day_begins_are_in_order():
    week = '[calendars.a]\nweek = { mon-sun = ["22:00-06:00", "06:00-09:00"], }\n'
    assert said(week.replace(", }", " }"), level="warning") == []

"""The first look: what may be an emergency is seen when it comes in, and overtakes what waits."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from benchmarks.latency.mails import backlog_of
from connectors.base import Arrival, Batch
from router.danger.words import WordDetector, build_word_detector
from router.envelope import Envelope, to_json
from router.settings import Settings
from router.settings.files import load_settings
from store.db.engine import Database
from store.tables.messages import ConversationRow, InboundRow
from tests.desk import Desk, envelope
from workers.broker.doorbell import Bell
from workers.intake.first_look import FirstLook
from workers.intake.intake import Intake
from workers.intake.pair_words import PairWords, build_pair_words
from workers.routing.urgent_lane import UrgentLane

_SHIPPED = Path(__file__).resolve().parents[3] / "config" / "channels.toml"
_TELLS = (
    "My account was hacked",
    "我的账户被盗了",
    "我的帳號被盜了，請馬上處理",
    "There is a payment of 300 that I didn't make",
    "someone logged in to my account and moved my money",
    "I lost my phone. The wallet is on it",
    "我的钱被人转走了，不是我操作的",
    "I have been scammed",
)
_TELLS_NOTHING = (
    "Where is my receipt?",
    "How long does a withdrawal to my bank card take",
    "请把三月的发票发给我",
    "账单里有一笔手续费我看不懂",
    "I forgot my password and the reset mail never arrives",
    "",
)


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings(_SHIPPED)


@pytest.fixture(scope="module")
def words(settings: Settings) -> PairWords:
    built = build_pair_words(settings)
    assert built is not None
    return built


@pytest.fixture(scope="module")
def detector(settings: Settings) -> WordDetector:
    built = build_word_detector(settings)
    assert built is not None
    return built


def arrival(message: Envelope) -> Arrival:
    content = to_json(message)
    return Arrival(
        source_key=message.source_key,
        envelope=content,
        original=content,
        size=len(content),
        content_hash=hashlib.sha256(content).digest(),
        received_at=message.received_at,
    )


@pytest.mark.parametrize("text", _TELLS)
def test_words_of_danger_are_seen(words: PairWords, text: str) -> None:
    assert words.meet(text)
    assert words.meet(f"A question\nHello.\n{text}. Please help")


@pytest.mark.parametrize("text", _TELLS_NOTHING)
def test_an_ordinary_question_waits_for_its_turn(words: PairWords, text: str) -> None:
    assert not words.meet(text)


def test_all_that_the_words_of_routing_find_is_seen(
    settings: Settings, words: PairWords, detector: WordDetector
) -> None:
    examples = [one for category in settings.categories.values() for one in category.examples]
    phrases = [
        "" if "#" in phrase else phrase.replace("...", "").replace("*", "").replace(".", "").split("|")[0]
        for group in settings.danger.groups.values()
        for phrase in (*group.en, *group.zh)
    ]
    # Each phrase next to the one before: many of them meet, in sentences that no customer writes.
    texts = [*examples, *(f"{before} {phrase}" for before, phrase in pairwise(phrases))]
    found = [text for text in texts if detector.pairs.read(text)]
    assert len(found) > 100
    assert [text for text in found if not words.meet(text)] == []


def test_a_desk_without_emergencies_has_nothing_urgent(settings: Settings) -> None:
    calm = {name: one.model_copy(update={"emergency": False}) for name, one in settings.categories.items()}
    look = FirstLook(settings.model_copy(update={"categories": calm}))
    assert look.urgent([arrival(envelope("1", text=_TELLS[0]))]) == frozenset()


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


@pytest.fixture
def intake(desk: Desk) -> Iterator[Intake]:
    made = Intake(desk.database, bell=Bell(lambda: None), look=FirstLook(desk.settings))
    yield made
    made.close()


@pytest.fixture(scope="module")
def backlog() -> list[Arrival]:
    return backlog_of(250, channel="mail")


def keep(intake: Intake, *arrivals: Arrival, backfill: bool = False) -> None:
    intake.commit(Batch(channel="mail", messages=(), cursor=None, backfill=backfill), arrivals, token=None)


def emergencies(desk: Desk) -> list[bool]:
    return list(desk.rows(ConversationRow, "emergency"))


def test_an_emergency_overtakes_a_backlog_and_the_backlog_is_routed_too(
    desk: Desk, intake: Intake, backlog: list[Arrival]
) -> None:
    keep(intake, *backlog)
    keep(intake, arrival(envelope("1", text="My account was hacked")))

    assert desk.router.route_oldest() == 1
    assert emergencies(desk) == [True]
    while desk.router.route_oldest():
        pass
    assert set(desk.rows(InboundRow, "state")) == {"routed"}


def test_the_lane_routes_an_emergency_while_no_other_thread_works(
    desk: Desk, intake: Intake, backlog: list[Arrival]
) -> None:
    routed = threading.Event()
    lane = UrgentLane(desk.router, routed=routed.set)
    lane.start()
    keep(intake, *backlog[:3], arrival(envelope("1", text="我的账户被盗了")))
    lane.wake()

    assert routed.wait(60)
    lane.stop(seconds=60)
    assert emergencies(desk) == [True]
    assert sorted(desk.rows(InboundRow, "state")) == ["received", "received", "received", "routed"]


def test_old_mail_is_never_urgent(desk: Desk, intake: Intake) -> None:
    keep(intake, arrival(envelope("1", text="My account was hacked")), backfill=True)
    assert desk.rows(InboundRow, "urgent") == [False]

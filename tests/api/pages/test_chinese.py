"""The Chinese desk is Chinese: its pages, walked through with the shipped configuration, hold no English words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from anyio.from_thread import BlockingPortal

from api.app import create_app
from api.http.permissions import Role
from api.http.problems import PROBLEMS
from api.text.phrases import WORDS, Words
from api.text.reasons import ReasonReader, say, say_line
from api.text.terms.config_names import ConfigNames
from api.text.terms.danger_names import GROUP_NAMES, PAIR_NAMES, SOFTENER_NAMES
from api.text.terms.sentence_words import SENTENCES
from api.text.terms.sentences import in_chinese, say_refusal
from connectors.registry import KINDS
from router.danger.pairs import MEET
from router.masking.mask import mask
from router.origin.verdicts import OriginKind, SignalKind
from router.reason import Reason, ReasonKey
from router.settings import load_settings, read_settings
from router.settings.model import PRIORITIES
from router.text.fact_kinds import FACT_KINDS
from store.db.engine import Database
from store.desk.agents import add_agent
from store.tables.messages import ConversationRow
from store.tables.operations import OutboundState
from tests.api.pages.spoken_words import LATIN, english_of
from tests.app_client import AppClient, started
from tests.desk import Desk, Party, PartyKind, envelope
from tests.inbox_builder import Builder

ROOT = Path(__file__).parents[3]
SHIPPED = (ROOT / "config" / "channels.toml").read_text(encoding="utf-8")
WANG = Party(PartyKind.EMAIL, "wang@customer.example", "王芳")


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    desk = Desk(database, tmp_path)
    (tmp_path / "channels.toml").write_text(SHIPPED.replace('#data = "var"', f'data = "{tmp_path}"'), encoding="utf-8")
    desk.use(load_settings(tmp_path / "channels.toml"))
    return desk


@pytest.fixture
def pages(desk: Desk, portal: BlockingPortal) -> Iterator[AppClient]:
    """A Chinese supervisor's browser on a desk with the shipped configuration."""
    app = create_app(desk.settings, database=desk.database)
    with desk.database.write() as connection:
        token = add_agent(connection, name="李娜", role=Role.ADMIN)[1]
    with started(app, portal):
        browser = AppClient(app, portal, headers={"Accept": "text/html", "Accept-Language": "zh-CN"})
        browser.headers["Sec-Fetch-Site"] = "same-origin"
        assert browser.post("/sign-in", data={"token": token}).status_code == 303
        yield browser


def fill(desk: Desk) -> list[str]:
    """Route messages of every sort, and return the references of their conversations."""
    mails = {
        "stolen": ("盗刷", "我的卡被盗刷了三千元，不是我操作的，请马上冻结账户"),
        "failed": ("转账失败", "昨天转账 500 元失败了，但是钱已经扣了"),
        "card": ("退款", "退款到这张卡：4111 1111 1111 1111，密码是 Abc12345"),
        "praise": ("表扬", "客服小李态度很好，非常感谢"),
        "unclear": ("你好", "在吗"),
    }
    written = [
        envelope(key, sender=WANG, subject=subject, text=text, channel="desk-mail", signed_by=())
        for key, (subject, text) in mails.items()
    ]
    machine = envelope(
        "machine",
        sender=WANG,
        subject="自动回复",
        text="我在休假",
        channel="desk-mail",
        machine_headers=(("auto-submitted", "auto-replied"),),
        defects=("The mail names no author.",),
    )
    # Today, so that the overview shows them.
    desk.route(*(replace(each, received_at=datetime.now(UTC)) for each in (*written, machine)))
    with desk.database.write() as connection:
        Builder(connection).polled("desk-mail", error="mail.example:993: no answer in time")
        Builder(connection).quarantined(channel="desk-mail", subject="坏邮件", reason="The mail is nested too deeply.")
    return list(desk.rows(ConversationRow, "reference"))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_pages_of_the_chinese_desk_hold_no_english(pages: AppClient, desk: Desk) -> None:
    references = fill(desk)
    paths = [
        "/",
        "/?view=all",
        "/quarantine",
        "/channels",
        "/supervisor",
        "/sign-in",
        "/nowhere",
        "/conversations/NONE",
    ]
    english = {
        path: english_of(pages.get(path).text) for path in (*paths, *(f"/conversations/{r}" for r in references))
    }
    assert {path: words for path, words in english.items() if words} == {}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_refusals_and_notices_of_the_chinese_desk_are_chinese(pages: AppClient, desk: Desk) -> None:
    reference = fill(desk)[0]
    page = pages.get(f"/conversations/{reference}").text
    hidden = dict(re.findall(r'name="(version|key|seen_at)" value="([^"]+)"', page))
    stale = pages.post(f"/conversations/{reference}/change", data={**hidden, "do": "take", "version": "99"})
    none = pages.post(f"/conversations/{reference}/change", data={**hidden, "do": "assign", "assignee": "无此人"})
    wrong = pages.post(f"/conversations/{reference}/change", data={**hidden, "do": "dance"})
    reply = pages.post(
        f"/conversations/{reference}/say", data={**hidden, "kind": "reply", "text": "4111 1111 1111 1111"}
    )
    assert [answer.status_code for answer in (stale, none, wrong, reply)] == [412, 404, 422, 422]
    for answer in (stale, none, wrong, reply):
        assert english_of(answer.text) == set()
    done = pages.post(f"/conversations/{reference}/change", data={**hidden, "do": "take"})
    assert "已由你负责。" in pages.get(done.headers["location"]).text
    for _ in range(11):
        refused = pages.post("/sign-in", data={"token": "wrong"})
    assert (refused.status_code, english_of(refused.text)) == (429, set())
    assert "登录失败次数过多" in refused.text


def test_words_that_a_page_chooses_by_a_value_exist_for_every_value() -> None:
    masked = mask("card 4111 1111 1111 1111, cvv 123, password: Abc12345, code 482913").kinds
    keys = [
        *(f"role_{role}" for role in Role),
        *(f"origin_{kind.value}" for kind in OriginKind),
        *(f"signal_{kind.value}" for kind in SignalKind),
        *(f"fact_{kind}" for kind in FACT_KINDS),
        *(f"outbound_{state.value}" for state in OutboundState),
        *(f"kind_{kind}" for kind in KINDS if kind != "pigeon"),
        *(f"problem_{slug}" for slug in PROBLEMS),
        *(f"masked_{kind}" for kind in masked),
        *PRIORITIES,
        *("open", "pending", "snoozed", "resolved", "reply", "auto_reply"),
    ]
    assert [key for key in keys if key not in WORDS] == []


def test_the_shipped_words_of_danger_and_names_of_the_file_have_chinese_titles() -> None:
    settings = load_settings(ROOT / "config" / "channels.toml")
    assert set(settings.danger.pairs) - set(PAIR_NAMES) == set()
    assert set(settings.danger.groups) - set(GROUP_NAMES) == set()
    assert set(settings.danger.softeners) - set(SOFTENER_NAMES) == set()
    tables = (
        settings.channels,
        settings.teams,
        settings.calendars,
        settings.sla,
        settings.replies,
        settings.categories,
    )
    titles = [*(row.title for table in tables for row in table.values()), *(route.title for route in settings.routes)]
    assert all({"zh", "en"} <= set(title) or "und" in title for title in titles)
    labels = {label for route in settings.routes for label in route.labels}
    assert labels - set(settings.labels) == set()


# Rooms whose refusals an agent meets on a page.
_ROOMS = (
    *(
        "api/pages",
        "api/chat/agent_actions.py",
        "api/http/authentication.py",
        "api/http/forms.py",
        "store/outbound",
        "workers/sending/reply.py",
    ),
    *("workers/routing/danger_findings.py", "api/rest", "api/services", "store/calls", "store/contacts"),
    *("store/conversations", "store/desk", "store/inbound/quarantine.py"),
)
_ERRORS = {"NotFound", "Conflict", "Stale", "PermanentError", "ProblemError"}


def _refusals() -> Iterator[tuple[str, str]]:
    for room in _ROOMS:
        path = ROOT / room
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in _ERRORS:
                    said = node.args[1 if getattr(node.func, "id", "") == "ProblemError" else 0 :][:1]
                    yield from ((f"{file.name}:{node.lineno}", text) for each in said if (text := _text(each)))


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else "7" for each in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""


def test_each_refusal_that_a_page_shows_has_chinese_words() -> None:
    assert [(place, said) for place, said in _refusals() if in_chinese(said) is None] == []


@pytest.mark.parametrize("said", [sentence for _, _, sentence in PROBLEMS.values()])
def test_each_kind_of_problem_has_a_chinese_sentence(said: str) -> None:
    assert not LATIN.search(say_refusal(said, slug="invalid", words=Words("zh")))
    assert say_refusal(said, slug="invalid", words=Words("en")) == said


def test_a_sentence_without_chinese_words_is_shown_by_its_kind() -> None:
    assert say_refusal("a new sentence", slug="conflict", words=Words("zh")) == WORDS["problem_conflict"][1]
    assert in_chinese("Li Na already has it") == "Li Na 已认领该会话。"


def test_chinese_words_keep_only_values_of_their_sentence() -> None:
    holes = re.compile(r"\{(\w+)\}")
    for english, chinese in SENTENCES.items():
        assert set(holes.findall(chinese)) <= set(holes.findall(english)), english


def _sayings(node: ast.expr) -> Iterator[str]:
    """Yield the sentences that an expression may be, with 7 for each value."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from (*_sayings(node.body), *_sayings(node.orelse))


def _whys_of_senders() -> Iterator[tuple[str, str]]:
    """Yield what senders say of a message that has not left, or may not have left."""
    for room in ("sms", "social", "custom", "email/smtp"):
        for path in sorted((ROOT / "connectors" / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                given: list[ast.expr] = []
                if (isinstance(node, ast.keyword) and node.arg == "why") or (
                    isinstance(node, ast.Assign)
                    and any(isinstance(to, ast.Name) and to.id == "why" for to in node.targets)
                ):
                    given = [node.value]
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_later":
                    given = node.args[:1]
                for each in given:
                    yield from ((path.name, said) for said in _sayings(each) if " " in said)


def test_an_agent_reads_in_chinese_why_a_message_has_not_left() -> None:
    whys = list(_whys_of_senders())
    assert len(whys) > 40
    assert [each for each in whys if in_chinese(each[1]) is None] == []
    # As a column of text holds it.
    reader = ReasonReader(words=Words("zh"))
    assert say_line("the provider cannot be reached (ConnectionError): check `url`", reader=reader).startswith(
        "无法连接"
    )


@pytest.mark.parametrize(
    "said",
    [
        "taking mail since 2026-11-20",
        "taking calls from now on",
        "the channel has another number now; its messages are taken from now on",
        "the channel has another account now; its mentions from now on",
        "12 messages were deleted on the server before they could be read",
        "3 messages from groups and channels were skipped: this bot only talks to persons",
    ],
)
def test_what_a_channel_says_of_its_last_read_has_chinese_words(said: str) -> None:
    assert not LATIN.search(str(in_chinese(said)))


def test_one_title_stands_for_every_language() -> None:
    tables = '[teams.a]\ntitle = "Alpha"\n[teams.b]\ntitle = { en = "Beta" }\n[teams.c]\n'
    teams = read_settings(f'{tables}[[routes]]\nname = "x"\nteam = "a"\n').teams
    assert [dict(team.title) for team in teams.values()] == [{"und": "Alpha"}, {"en": "Beta"}, {}]


def test_meanings_that_met_are_named_one_by_one() -> None:
    settings = load_settings(ROOT / "config" / "channels.toml")
    words = Words("zh")
    reader = ReasonReader(words=words, title=ConfigNames(settings, words))
    met = Reason(ReasonKey.DANGER_MEANINGS, {"groups": f"negation{MEET}not_mine, not_mine"})
    assert say(met, reader=reader) == "同时出现的含义：否定 + 不是我的、不是我的"

"""Do what an agent, a customer or a caller asks for in processes that kill themselves, and once more. A plain module.

    python -m tests.killed_writes FOLDER

One process with all imports forks the others. For each write and each commit of a deed, on a fresh copy of the same
database: one process dies before it (or after the commit), a second one counts, does the deed again as a browser or a
provider would, and counts again. What is wrong is printed as JSON, by deed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from pydantic_core import to_jsonable_python
from sqlalchemy import event
from sqlalchemy.engine import Connection

from api.app import create_app
from api.chat.agent_actions import _end
from api.customer.case_pages import _send_code
from api.desk import Desk
from api.http.authentication import actor_of
from api.http.forms import Fields
from api.http.permissions import Actor
from api.http.problems import ProblemError
from api.pages.actions import _take_back_change
from api.pages.composer.drafts import save_for
from api.pages.toast import Flash
from api.rest.changes import ChangeOrder, change_once
from api.rest.merges import MergeOrder, merge
from api.rest.replies import MessageOrder, post_once
from router.errors import OmniyardError
from router.event_kinds import EventKind
from store.chat.cases import session_of
from store.chat.line_log import add_notice
from store.chat.visitor_sessions import NewChatSession, begin_session
from store.conversations.customer_status import CaseStatus, Phase
from store.db.bulk import table_of
from store.db.engine import Database
from store.desk.access.provider_accounts import set_email
from store.desk.access.recovery_codes import count_recovery_codes, make_recovery_codes, use_recovery_code
from store.desk.agents import add_agent, find_by_name
from store.desk.composer.drafts import Draft
from store.desk.notices import prefer
from store.events.append import NewEvent, append_events
from store.tables.agents import RecoveryCodeRow
from store.tables.case_records import CaseCodeRow, RegroupingRow
from store.tables.chat import ChatSessionRow
from store.tables.composer import DraftRow
from store.tables.gates import PhoneCallRow
from store.tables.messages import ConversationRow, MessageRow
from store.tables.operations import AGENT_MAIL, ONE_TIME_CODE, AuditRow, EventRow, OutboundRow
from tests.api.conftest import settings_in
from tests.fakes.twilio_voice import ACCOUNT, NUMBER, TOKEN, signed
from tests.inbox_builder import NOON, Builder
from workers.chores.agent_notices import notice_step
from workers.chores.publish_events import Publisher
from workers.sending.away_mail import AwayMailer

_MORE: Final = f"""
public_url = "https://desk.example"
[channels.support-mail.send]
outbox = true
[channels.hotline]
kind = "voice"
number = "{NUMBER}"
[channels.hotline.twilio]
account = "env:VOICE_ACCOUNT"
token = "env:VOICE_TOKEN"
[channels.site]
kind = "chat"
"""
_CASES: Final = ("AAAAAAAAA", "BBBBBBBBB")
_TEXT: Final = "We look into it."
_WRITES: Final = ("INSERT", "UPDATE", "DELETE", "REPLACE")
_MOST_STEPS: Final = 60


@dataclass(frozen=True)
class House:
    """The desk of one process, and its agent Ann."""

    desk: Desk
    actor: Actor

    def rows(self, model: type[Any], **where: object) -> list[Any]:
        """Return the rows of a table that have these values."""
        table = table_of(model)
        with self.desk.database.read() as connection:
            found = sa.select(table).where(*(table.c[name] == value for name, value in where.items()))
            return list(connection.execute(found).all())


@dataclass(frozen=True)
class Deed:
    """do: the deed.  holds: whether the books are right, with False before the deed was repeated and True after it."""

    do: Callable[[House], None]
    holds: Callable[[House, bool], bool]


def _save_draft(house: House) -> None:
    draft = Draft(kind="note", text="Half a note", recipient="", copies=[], blind_copies=[], revision=0)
    save_for(house.desk, house.actor, _CASES[1], draft=draft, form="")


def _draft_holds(house: House, done: bool) -> bool:
    texts = [row.text for row in house.rows(DraftRow, kind="note")]
    return texts == ["Half a note"] or (texts == [] and not done)


def _answer(house: House) -> None:
    order = MessageOrder(text=_TEXT, based_on_version=1, ends_draft=True)
    post_once(house.desk, _CASES[0], order=order, actor=house.actor, once="the key of the form")


def _answer_holds(house: House, done: bool) -> bool:
    counts = [len(house.rows(model, **where)) for model, where in (
        (DraftRow, {"kind": "reply"}), (OutboundRow, {"kind": "reply"}), (MessageRow, {"direction": "outgoing"}),
    )]  # fmt: skip
    return counts == [0, 1, 1] or (counts == [1, 0, 0] and not done)


def _take_all(house: House) -> None:
    for key in _CASES:
        order = ChangeOrder(take=True, add_labels=["fraud"])
        change_once(house.desk, key, order=order, actor=house.actor, version=None, once=None)


def _all_taken(house: House, done: bool) -> bool:
    cases = house.rows(ConversationRow)
    assigned = [row.conversation_id for row in house.rows(EventRow, kind=EventKind.CONVERSATION_ASSIGNED)]
    labelled = [row.conversation_id for row in house.rows(EventRow, kind=EventKind.CONVERSATION_LABELLED)]
    taken = sorted(row.id for row in cases if row.assignee == house.actor.name)
    return taken == sorted(assigned) == sorted(labelled) and (len(taken) == len(cases) or not done)


def _merge(house: House) -> None:
    merge(house.desk, _CASES[1], MergeOrder(into=_CASES[0]), actor=house.actor, version=None)


def _merged(house: House, done: bool) -> bool:
    merged = [row.merged_into for row in house.rows(ConversationRow, reference=_CASES[1])]
    noted = len(house.rows(RegroupingRow, kind="merge"))
    events = len(house.rows(EventRow, kind=EventKind.CONVERSATION_MERGED))
    # Both cases have the event.
    is_whole = (merged[0] is not None) == bool(noted) and events == 2 * noted
    return is_whole and noted == (1 if done else noted) and noted < 2 and len(house.rows(MessageRow)) == 2


def _ask_for_code(house: House) -> None:
    case = house.rows(ConversationRow, reference=_CASES[0])[0]
    found = CaseStatus(
        phase=next(iter(Phase)),
        conversation_id=case.id,
        contact_id=case.contact_id,
        channel=case.channel,
        opened_at=NOON,
        changed_at=NOON,
    )
    _send_code(house.desk, found, house.desk.settings.channels[case.channel], typed="li@example.com")


def _codes_hold(house: House, done: bool) -> bool:
    # A code whose mail is lost would count against the five of a day and reach no customer.
    codes, mails = (sorted(row.id for row in house.rows(*each)) for each in ((CaseCodeRow,), (OutboundRow,)))
    kinds = {row.kind for row in house.rows(OutboundRow)}
    return codes == mails and kinds <= {ONE_TIME_CODE} and (1 if done else 0) <= len(codes) <= (2 if done else 1)


def _use_recovery_code(house: House) -> None:
    code = os.environ["RECOVERY_CODE"]
    with house.desk.database.write() as connection:
        was_good = use_recovery_code(connection, house.actor.id, code)
    if not was_good:
        raise ProblemError("forbidden")


def _one_code_used(house: House, done: bool) -> bool:
    with house.desk.database.read() as connection:
        return count_recovery_codes(connection, house.actor.id) in ({9} if done else {9, 10})


def _renew_codes(house: House) -> None:
    with house.desk.database.write() as connection:
        make_recovery_codes(connection, house.actor.id)


def _ten_codes(house: House, done: bool) -> bool:
    del done
    return len(house.rows(RecoveryCodeRow)) == 10


def _publish(house: House) -> None:
    steps = (notice_step, AwayMailer(house.desk.settings))
    Publisher(house.desk.database, takeover=timedelta(0), steps=steps).once()


def _one_mail(house: House, done: bool) -> bool:
    mails, numbered = len(house.rows(OutboundRow, kind=AGENT_MAIL)), [row.number for row in house.rows(EventRow)]
    return mails == len([each for each in numbered if each is not None]) and mails == (1 if done else mails)


def _ring(house: House) -> None:
    hotline, request = house.desk.hotline, signed("step=start")
    machine = hotline.verified("hotline", request)
    assert "<Gather" in hotline.answer("hotline", machine, request, now=datetime.now(UTC)).text


def _one_call(house: House, done: bool) -> bool:
    calls = house.rows(PhoneCallRow)
    # A call that is never due gets no message, and no agent learns of it.
    return len(calls) in ({1} if done else {0, 1}) and all(row.due_at for row in calls)


def _end_chat(house: House) -> None:
    case = house.rows(ConversationRow, reference=_CASES[1])[0].id
    with house.desk.database.read() as connection:
        session = session_of(connection, case)
    assert session
    ended = _end(house.desk, _CASES[1], actor=house.actor, session=session)
    os.environ["ENDED"] = json.dumps(to_jsonable_python(ended))


def _chat_ended(house: House, done: bool) -> bool:
    states = _chat_states(house)
    return states == (True, True, False, 1, 0) or (states == (False, False, True, 0, 0) and not done)


def _take_back_end(house: House) -> None:
    done = {"agent": house.actor.id, "at": NOON, "said": "done_chat_end", "key": _CASES[1]}
    flash = Flash.model_validate(done | json.loads(os.environ["ENDED"]))
    form = Fields({"key": ["0" * 32]})
    _take_back_change(house.desk, flash, actor=house.actor, form=form)


def _chat_goes_on(house: House, done: bool) -> bool:
    states = _chat_states(house)
    return states == (False, False, True, 1, 1) or (states == (True, True, False, 1, 0) and not done)


def _chat_states(house: House) -> tuple[bool, bool, bool, int, int]:
    """Whether the case is resolved, the chat has ended, and its visitor waits; how often the log has either."""
    case, chat = house.rows(ConversationRow, reference=_CASES[1])[0], house.rows(ChatSessionRow)[0]
    logged = [len(house.rows(AuditRow, action=action)) for action in ("chat.end", "chat.resume")]
    return case.status == "resolved", chat.ended_at is not None, chat.waiting_since == NOON, logged[0], logged[1]


DEEDS: Final[Mapping[str, Deed]] = {
    "a draft is saved": Deed(_save_draft, _draft_holds),
    "an answer ends its draft": Deed(_answer, _answer_holds),
    "several cases are taken at once": Deed(_take_all, _all_taken),
    "two cases are merged": Deed(_merge, _merged),
    "a customer asks for a code": Deed(_ask_for_code, _codes_hold),
    "a recovery code is used": Deed(_use_recovery_code, _one_code_used),
    "recovery codes are renewed": Deed(_renew_codes, _ten_codes),
    "an agent who is away gets a mail": Deed(_publish, _one_mail),
    "a call comes in": Deed(_ring, _one_call),
    "a chat is ended": Deed(_end_chat, _chat_ended),
    "the end of a chat is taken back": Deed(_take_back_end, _chat_goes_on),
}


def _fill(connection: Connection) -> None:
    agent, _ = add_agent(connection, name="Ann", role="admin")
    set_email(connection, name="Ann", email="ann@wallet.example")
    prefer(connection, agent.id, name="calls", value="mine away_mail")
    os.environ["RECOVERY_CODE"] = make_recovery_codes(connection, agent.id)[0]
    build = Builder(connection)
    for key in _CASES:
        build.message(build.conversation(reference=key, team="payments"))


def _prepare(house: House, name: str) -> None:
    """Do what comes before a deed."""
    if name == "an answer ends its draft":
        draft = Draft(kind="reply", text=_TEXT, recipient="", copies=[], blind_copies=[], revision=0)
        save_for(house.desk, house.actor, _CASES[0], draft=draft, form="")
    if name in {"a chat is ended", "the end of a chat is taken back"}:
        chat_case: UUID = house.rows(ConversationRow, reference=_CASES[1])[0].id
        with house.desk.database.write() as connection:
            session, _ = begin_session(connection, NewChatSession(channel="site", party="chat"))
            waits = {"conversation_id": chat_case, "waiting_since": NOON}
            add_notice(connection, session.id, key="handed", name="Ann", **waits)
    if name == "the end of a chat is taken back":
        _end_chat(house)
    if name == "an agent who is away gets a mail":
        case: UUID = house.rows(ConversationRow, reference=_CASES[0])[0].id
        with house.desk.database.write() as connection:
            connection.execute(sa.update(table_of(ConversationRow)).values(assignee="Ann"))
            append_events(connection, [NewEvent(EventKind.MESSAGE_RECEIVED, case, at=NOON)])


def arm(database: Database, at: int) -> None:
    """Kill this process at a step: before a write, before a commit, or when the connection comes back after one."""
    steps, has_committed = count(1), False

    def step() -> None:
        if next(steps) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def write(_c: object, _k: object, statement: str, *_: object) -> None:
        if statement.lstrip()[:7].upper().startswith(_WRITES):
            step()

    def commit(_: object) -> None:
        nonlocal has_committed
        has_committed = True
        step()

    def checkin(*_: object) -> None:
        nonlocal has_committed
        if has_committed:
            has_committed = False
            step()

    event.listen(database.engine, "before_cursor_execute", write)
    event.listen(database.engine, "commit", commit)
    event.listen(database.engine.pool, "checkin", checkin)


def forked(work: Callable[[], str]) -> tuple[bool, str]:
    """Return whether a process that does this was killed, and what it says."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            said = work()
        except BaseException as error:  # noqa: BLE001  (the child must not go on as the parent)
            said = repr(error)
        os.write(writing, said.encode()[:4000])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read().decode()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, said


def _dying(house: House, deed: Deed, *, at: int) -> str:
    arm(house.desk.database, at)
    deed.do(house)
    return ""


def _counted(house: House, deed: Deed, *, at: int) -> str:
    if not deed.holds(house, False):
        return f"step {at}: wrong after the kill"
    # If it was done before, the batch says so.
    with suppress(OmniyardError, ProblemError):
        deed.do(house)
    return "" if deed.holds(house, True) else f"step {at}: wrong after the second time"


def kill_everywhere(house: House, deed: Deed, *, files: tuple[Path, Path]) -> tuple[int, list[str]]:
    """Return at how many steps a process was killed, and what was wrong. files: the database before, and in use."""
    wrong: list[str] = []
    for at in range(1, _MOST_STEPS):
        for old in files[1].parent.glob(f"{files[1].name}*"):
            old.unlink()
        shutil.copy(*files)
        was_killed, said = forked(lambda at=at: _dying(house, deed, at=at))  # type: ignore[misc]
        if said:
            return at, [said]
        wrong += filter(None, [forked(lambda at=at: _counted(house, deed, at=at))[1]])  # type: ignore[misc]
        if not was_killed:
            return at - 1, wrong
    return _MOST_STEPS, ["it never ends"]


def main() -> None:
    """Do every deed; print what was wrong."""
    folder = Path(sys.argv[1])
    os.environ |= {"VOICE_ACCOUNT": ACCOUNT, "VOICE_TOKEN": TOKEN}
    before, path = folder / "before.db", folder / "desk.db"
    shutil.copy(before, path)
    database = Database.at(path)
    with database.write() as connection:
        _fill(connection)
        agent = find_by_name(connection, "Ann")
    assert agent
    desk: Desk = create_app(settings_in(folder / "data", more=_MORE), database=database).state.desk
    house, found = House(desk, actor_of(agent)), {}
    filled, ready = folder / "filled.db", folder / "ready.db"
    _kept(database, path, filled)
    for name, deed in DEEDS.items():
        for old in folder.glob("desk.db*"):
            old.unlink()
        shutil.copy(filled, path)
        _prepare(house, name)
        _kept(database, path, ready)
        found[name] = kill_everywhere(house, deed, files=(ready, path))
        sys.stderr.write(f"{name}: {found[name]}\n")
    sys.stdout.write(json.dumps(found))


def _kept(database: Database, path: Path, copy: Path) -> None:
    """Keep a copy of the database with all of its journal, and no connection that a fork would share."""
    database.truncate_journal()
    database.close()
    shutil.copy(path, copy)


if __name__ == "__main__":
    main()

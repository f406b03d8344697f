"""The pages' buttons: the same orders as the API's, executed by the same functions, with the same refusals.

Each form carries the version that its agent has read and a key of its own, so a double click acts once, and an action
on an outdated version is refused. The next page shows what was done, with a button that undoes it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.forms import Fields, Form, ours
from api.http.permissions import Actor, Verb
from api.http.problems import PROBLEMS, ProblemError, slug_of
from api.pages.cases.regroup import take_back
from api.pages.cases.reverse_order import undo_of
from api.pages.chat_pane import resume, resumed
from api.pages.composer.answer_files import pass_on_files
from api.pages.composer.drafts import save_for, typed
from api.pages.composer.macros import macro_of, split
from api.pages.conversation import Refusal, show_conversation
from api.pages.orders import change_order, kind_of, message_order
from api.pages.render import kept_channels, moments_of
from api.pages.reply_box import fill_ready
from api.pages.toast import Flash, set_flash, unseal
from api.rest.changes import ChangeOrder, PlannedError, change_once, look_before
from api.rest.emergencies import judge_for
from api.rest.outbound import Verdict, withdraw
from api.rest.outbound import settle as settle_outbound
from api.rest.queries import find_for
from api.rest.replies import MessageOrder, PostedMessage, post_once
from api.text.terms.config_names import ConfigNames
from api.text.terms.sentences import say_refusal
from router.conversation_status import Status
from router.errors import NotFound, OmniyardError, TransientError
from router.replies.placeholders import unfilled
from router.text.visible import is_visible
from store.contacts.blocked import block_sender
from store.conversations.read import ConversationRecord
from store.db.engine import read_clock
from store.outbound.review import MaskedTextError, find_outbound
from workers.sending.reply import TooLongError

# These close the conversation, so the agent continues with the list.
_LEAVING: Final = frozenset({"resolve", "snooze", "not_ours"})
# By the name of the button: whether the customer is in danger, and what is said after it.
_FINDINGS: Final = {
    "confirm": (True, "done_confirm"),
    "release": (False, "done_release_emergency"),
    "page": (True, "done_page"),
    "deny": (False, "done_deny"),
}
_SEE_OTHER: Final = 303
_KEY: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)

routes: Final = APIRouter(include_in_schema=False)
Worker = Annotated[Actor, Depends(Requires(Verb.WORK_CONVERSATIONS))]
Speaker = Annotated[Actor, Depends(Requires(Verb.SEND_REPLIES))]
Settler = Annotated[Actor, Depends(Requires(Verb.SETTLE_OUTBOUND))]


@routes.post("/conversations/{key}/change")
def change(request: Request, desk: DeskPart, actor: Worker, form: Form, *, key: str) -> Response:
    """Apply a button to a conversation."""

    def make() -> Response:
        verb, now = form.one("do"), desk.now()
        with desk.database.read() as connection:
            whole = look_before(connection, key, actor=actor)
        before = whole.record
        order = change_order(form, opens_at=desk.replying.opening(before.channel, now=now), now=now, zone=_zone(desk))
        if not order.model_fields_set:
            return RedirectResponse(f"/conversations/{before.reference}", status_code=_SEE_OTHER)
        once, version = once_of(form, verb), form.number("version")
        changed = change_once(desk, key, order=order, actor=actor, version=version, once=once)
        flash = _flash(
            desk,
            actor,
            _said(verb, before),
            key=before.reference,
            subject=before.subject,
            values=_named(request, desk, order),
            undo=undo_of(whole, order, now=now),
            version=changed.version,
        )
        address = ours(form.one("back")) if verb in _LEAVING else f"/conversations/{before.reference}"
        return onwards(desk, address, flash=flash)

    return or_refusal(request, desk, actor, make, key=key, form=form)


def _said(verb: str, before: ConversationRecord) -> str:
    """Return the phrase of what a button did: only a resolved conversation is opened again."""
    return "done_back_to_open" if verb == "reopen" and before.status != Status.RESOLVED else f"done_{verb}"


@routes.post("/conversations/{key}/judge")
def judge(request: Request, desk: DeskPart, actor: Worker, form: Form, *, key: str) -> Response:
    """Say whether the customer is in danger."""

    def make() -> Response:
        verb = form.one("do")
        if verb not in _FINDINGS:
            raise ProblemError("invalid", "this desk has no such button")
        danger, said = _FINDINGS[verb]
        judge_for(desk, key, danger=danger, actor=actor)
        flash = _flash(desk, actor, said, key=key, judged=True)
        return onwards(desk, f"/conversations/{key}" if _still_sees(desk, key, actor) else "/", flash=flash)

    return or_refusal(request, desk, actor, make, key=key, form=form)


def _still_sees(desk: Desk, key: str, actor: Actor) -> bool:
    """Return whether the conversation is still one of the actor's teams."""
    try:
        with desk.database.read() as connection:
            find_for(connection, key, actor=actor)
    except NotFound:
        return False
    return True


@routes.post("/conversations/{key}/say")
def say(request: Request, desk: DeskPart, actor: Speaker, form: Form, *, key: str) -> Response:
    """Answer the customer, or write a note."""

    def make() -> Response:
        if not is_visible(form.whole("text")):
            raise ProblemError("invalid", moments_of(request, desk).words("refused_empty"))
        if kind_of(form) == "forward" and not form.one("recipient"):
            raise ProblemError("invalid", moments_of(request, desk).words("refused_no_recipient"))
        if kind_of(form) == "forward" and form.one("with_files") == "yes":
            pass_on_files(desk, actor, key)
        macro = macro_of(desk, actor, key, form=form)
        order, change = split(message_order(form, zone=_zone(desk)), macro.actions if macro else None)
        _require_filled(request, desk, order)
        posted = post_once(desk, key, order=order, actor=actor, once=once_of(form, order.kind), change=change)
        address = ours(form.one("back")) if order.then_status == "resolved" else f"/conversations/{key}"
        if _is_line(desk, posted) and address == f"/conversations/{key}":
            # It stands in the conversation as it is pressed; a notice each line would only move the page.
            return RedirectResponse(ours(address), status_code=_SEE_OTHER)
        return onwards(desk, address, flash=flash_after(request, desk, actor, order, key=key, posted=posted))

    return or_refusal(request, desk, actor, make, key=key, form=form, keeps_draft=True)


def _is_line(desk: Desk, posted: PostedMessage) -> bool:
    """Return whether it is a line of a chat, which leaves at once."""
    row = posted.outbound
    return row is not None and row.channel in desk.chats.pages and row.due_at <= row.created_at


@routes.post("/conversations/{key}/macro")
def press_macro(request: Request, desk: DeskPart, actor: Speaker, form: Form, *, key: str) -> Response:
    """Send a macro's text and do its actions, with one press."""

    def make() -> Response:
        macro = macro_of(desk, actor, key, form=form)
        if macro is None:
            raise ProblemError("not-found")
        with desk.database.read() as connection:
            before = look_before(connection, key, actor=actor)
        filled = fill_ready(desk, before.record, actor=actor, text=macro, now=desk.now())
        if filled.text:
            draft = MessageOrder(text=filled.text, based_on_version=form.number("version"), undoable=True)
            order, change = split(draft, macro.actions)
            _require_filled(request, desk, order)
            posted = post_once(desk, key, order=order, actor=actor, once=once_of(form, "macro"), change=change)
            flash, version = flash_after(request, desk, actor, order, key=key, posted=posted), posted.version
        else:
            change, once = ChangeOrder.model_validate(macro.actions or {}), once_of(form, "macro")
            version = change_once(
                desk, key, order=change, actor=actor, version=form.number("version"), once=once
            ).version
            flash = _flash(desk, actor, "done_macro", key=key, values={"title": macro.title})
        undo = undo_of(before, change, now=desk.now()) if change else None
        return onwards(desk, f"/conversations/{key}", flash=flash.model_copy(update={"undo": undo, "version": version}))

    return or_refusal(request, desk, actor, make, key=key, form=form, keeps_draft=True)


def _require_filled(request: Request, desk: Desk, order: MessageOrder) -> None:
    """Refuse an answer with a placeholder that no one has filled in."""
    if order.kind == "reply" and (names := unfilled(order.text)):
        words = moments_of(request, desk).words
        raise ProblemError("invalid", words("refused_unfilled", names=", ".join(names)))


def flash_after(
    request: Request, desk: Desk, actor: Actor, order: MessageOrder, *, key: str, posted: PostedMessage
) -> Flash:
    """Return what is said after an answer or a note: when it leaves, and that it can be taken back until then."""
    outbound = posted.outbound
    # A reply that the outbox keeps reaches no customer, so the page does not call it sent.
    kept = "_kept" if outbound is not None and outbound.channel in kept_channels(desk) else ""
    if outbound is None or outbound.due_at <= outbound.created_at:
        said = "done_forward" if order.forward_to else f"done_{order.kind}"
        return _flash(desk, actor, "done_left_kept" if kept else said, key=key)
    waits = {"key": key, "outbound": str(outbound.id)}
    if outbound.undo_until is None:
        at = moments_of(request, desk).short(outbound.due_at)
        return _flash(desk, actor, f"done_later{kept}", **waits, values={"at": at})
    seconds = str(round((outbound.undo_until - outbound.created_at).total_seconds()))
    said = f"done_waits{kept}"
    return _flash(desk, actor, said, **waits, values={"seconds": seconds}, until=outbound.undo_until)


@routes.post("/conversations/{key}/cancel")
def cancel(request: Request, desk: DeskPart, actor: Speaker, form: Form, *, key: str) -> Response:
    """Cancel a message that waits."""

    def make() -> Response:
        outbound_id = UUID(form.one("outbound"))
        with desk.database.read() as connection:
            author = find_outbound(connection, outbound_id).author
        if author == actor.name:
            withdraw(desk, outbound_id, actor=actor)
        else:
            settle_outbound(desk, outbound_id, verdict="cancel", actor=actor)
        return onwards(desk, f"/conversations/{key}", flash=_flash(desk, actor, "done_cancel", key=key))

    return or_refusal(request, desk, actor, make, key=key, form=form)


@routes.post("/conversations/{key}/settle")
def settle(request: Request, desk: DeskPart, actor: Settler, form: Form, *, key: str) -> Response:
    """Settle a message with an unknown outcome."""

    def make() -> Response:
        verdict: Verdict = "send_again" if form.one("do") == "send_again" else "mark_sent"
        entry = settle_outbound(desk, UUID(form.one("outbound")), verdict=verdict, actor=actor)
        return onwards(desk, f"/conversations/{key}", flash=_flash(desk, actor, f"outbound_{entry.state}", key=key))

    return or_refusal(request, desk, actor, make, key=key, form=form)


@routes.post("/undo")
def undo(request: Request, desk: DeskPart, actor: Worker, form: Form) -> Response:
    """Undo the agent's last action, unless the conversation has changed since."""
    done = unseal(desk, form.one("sealed"), actor=actor)
    if done is None:
        raise ProblemError("conflict", "this is too old to be undone by a button")

    def make() -> Response:
        if done.outbound:
            withdraw(desk, UUID(done.outbound), actor=actor)
        if done.judged:
            judge_for(desk, done.key, danger=None, actor=actor)
        take_back(desk, done, actor=actor)
        _take_back_change(desk, done, actor=actor, form=form)
        home = done.home or f"/conversations/{done.key}"
        said = "done_taken_back" if done.outbound else "done_undo"
        return onwards(desk, home, flash=_flash(desk, actor, said, key=done.key))

    if done.home:
        return make()
    return or_refusal(request, desk, actor, make, key=done.key, form=form)


def _take_back_change(desk: Desk, done: Flash, *, actor: Actor, form: Fields) -> None:
    """Undo a change, with the end of its chat and the block of its sender, in one transaction."""

    def also(connection: Connection) -> None:
        if done.chat:
            resume(connection, done.chat, actor=actor, about=done.key)
        if done.unblocks:
            block_sender(connection, UUID(done.unblocks), blocked=False, by=actor.name, now=read_clock(connection))

    if done.undo:
        order, once = done.undo.at(desk.now()), once_of(form, "undo")
        change_once(desk, done.key, order=order, actor=actor, version=done.version, once=once, also=also)
    elif done.chat or done.unblocks:
        with desk.database.write() as connection:
            also(connection)
    if done.chat:
        resumed(desk, done.chat)


def or_refusal(
    request: Request,
    desk: Desk,
    actor: Actor,
    make: Callable[[], Response],
    *,
    key: str,
    form: Fields,
    keeps_draft: bool = False,
) -> Response:
    """Return the result of `make`; or the conversation again with the refusal, the new messages and the typed text.

    keeps_draft: what was typed is saved as a draft.
    """
    draft = form.whole("text")
    try:
        return make()
    except TransientError:
        raise
    except MaskedTextError as error:
        slug, said, draft = "invalid", moments_of(request, desk).words("refused_masked"), error.draft
    except (ProblemError, OmniyardError) as error:
        slug, said = slug_of(error), words_of(request, desk, error)
    except (ValidationError, ValueError):
        slug, said = "invalid", moments_of(request, desk).words("refused_invalid")
    if slug in {"not-found", "internal"}:
        raise ProblemError("not-found")
    if keeps_draft:
        # The page with the refusal has the text too.
        with contextlib.suppress(OmniyardError):
            save_for(desk, actor, key, draft=typed(form), form=form.one("key"))
    refusal = Refusal(slug=slug, said=said, seen_at=_moment(form.one("seen_at")), draft=draft, status=PROBLEMS[slug][0])
    return show_conversation(request, desk, actor, key=key, refusal=refusal)


def words_of(request: Request, desk: Desk, error: ProblemError | OmniyardError) -> str:
    """Return a refusal in the reader's language, where its words are known; else as the API says it."""
    words = moments_of(request, desk).words
    if isinstance(error.__cause__, TooLongError):
        return words("refused_too_long", length=error.__cause__.length, longest=error.__cause__.longest)
    if isinstance(error, PlannedError):
        return words("refused_planned")
    return say_refusal(str(error), slug=slug_of(error), words=words)


def once_of(form: Fields, verb: str) -> str:
    """Return what identifies the order of a form. Raises ProblemError for a form without a key."""
    key = form.one("key")
    if not _KEY.fullmatch(key):
        raise ProblemError("invalid", "this form has no key; reload the page")
    return f"page-{key}-{verb}"


def _flash(desk: Desk, actor: Actor, said: str, *, key: str, **more: object) -> Flash:
    return Flash.model_validate({"agent": actor.id, "at": desk.now(), "said": said, "key": key, **more})


def onwards(desk: Desk, address: str, *, flash: Flash) -> Response:
    """Return the way to the next page, which shows what was done."""
    answer = RedirectResponse(ours(address), status_code=_SEE_OTHER)
    set_flash(answer, desk, flash)
    return answer


def _named(request: Request, desk: Desk, order: ChangeOrder) -> dict[str, str]:
    """Return the names for the placeholders in the sentence about an order."""
    until, moments = order.snoozed_until, moments_of(request, desk)
    team = ConfigNames(desk.settings, moments.words)("team", order.team)
    names = {"assignee": order.assignee, "team": team, "until": moments.short(until) if until else None}
    names |= {"labels": ", ".join((*order.add_labels, *order.remove_labels))}
    return {"reference": "", **{name: value or "" for name, value in names.items()}}


def _zone(desk: Desk) -> ZoneInfo:
    return desk.settings.omniyard.timezone


def _moment(said: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    return at if at.tzinfo else None

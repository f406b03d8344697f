"""`/desk/new`: an agent writes to a customer first, which opens a conversation."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import ValidationError
from sqlalchemy.engine import Connection

from api.desk import Desk, DeskPart
from api.http.authentication import Requires
from api.http.forms import Fields, Files, filled_form
from api.http.permissions import Actor, Verb
from api.http.preconditions import answer_once
from api.http.problems import ProblemError
from api.pages.actions import flash_after, once_of, onwards, words_of
from api.pages.composer.answer_files import file_named, limit_on, refuse_more
from api.pages.composer.drafts import addresses
from api.pages.render import moments_of, render
from api.pages.reply_box import Canned, ready_for_a_first_mail
from api.rest.replies import LONGEST_TEXT, MessageOrder, PostedMessage, post_within
from api.text.terms.config_names import ConfigNames
from connectors.originals import pack
from connectors.registry import kind_of
from router.envelope import PartyKind
from router.errors import OmniyardError, TransientError
from router.masking.mask import mask
from router.replies.placeholders import unfilled
from router.text.visible import is_visible
from store.contacts.identities import Handle, lock_contacts
from store.conversations.read import find_conversation
from store.db.engine import read_clock
from store.inbound.desk_cases import DeskCase, OpenedCase, link_first, open_case
from store.outbound.answer_files import FileContent, add_file

PAGE: Final = "/desk/new"
_LONGEST_SUBJECT: Final = 200
_CREATED: Final = 201

routes: Final = APIRouter(include_in_schema=False)
Speaker = Annotated[Actor, Depends(Requires(Verb.SEND_REPLIES))]


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstMail:
    """What the form says. to: the customer's address."""

    channel: str
    team: str
    to: str
    name: str
    subject: str
    order: MessageOrder
    files: tuple[FileContent, ...] = field(default=(), repr=False)


@routes.get(PAGE)
def new_mail(request: Request, desk: DeskPart, actor: Speaker, to: str = "") -> HTMLResponse:
    """Show the form. to: the customer's address."""
    return _page(request, desk, actor, form=Fields({"to": [to]}))


@routes.post(PAGE)
def send_new_mail(
    request: Request, desk: DeskPart, actor: Speaker, filled: Annotated[tuple[Fields, Files], Depends(filled_form)]
) -> Response:
    """Open a conversation with the mail and its files, all or nothing; or insert a ready text, without a script."""
    form, files = filled
    if form.one("insert"):
        return _page(request, desk, actor, form=_inserted(request, desk, actor, form=form))
    try:
        mail = _mail(request, desk, actor, form=form, files=files)
        key, posted = _open(desk, actor, mail, once=once_of(form, "new"))
    except TransientError:
        raise
    except (ProblemError, OmniyardError) as error:
        return _page(request, desk, actor, form=form, refused=words_of(request, desk, error))
    except (ValidationError, ValueError):
        return _page(request, desk, actor, form=form, refused=moments_of(request, desk).words("refused_invalid"))
    flash = flash_after(request, desk, actor, mail.order, key=key, posted=posted)
    return onwards(desk, f"/conversations/{key}", flash=flash)


def _ready(request: Request, desk: Desk, actor: Actor) -> list[Canned]:
    language = moments_of(request, desk).words.language
    with desk.database.read() as connection:
        return ready_for_a_first_mail(connection, desk.settings, actor, teams=_teams(desk, actor), language=language)


def _inserted(request: Request, desk: Desk, actor: Actor, *, form: Fields) -> Fields:
    """Return the form with the chosen ready text below what was typed."""
    chosen = next((each.text for each in _ready(request, desk, actor) if each.name == form.one("canned")), "")
    text = "\n\n".join(part for part in (form.whole("text"), chosen) if part)
    return Fields({**form.values, "text": [text]})


def _page(request: Request, desk: Desk, actor: Actor, *, form: Fields, refused: str = "") -> HTMLResponse:
    words, channels = moments_of(request, desk).words, _channels(desk)
    kept = [name for name in channels if desk.settings.channels[name].keeps_outbox]
    names = ConfigNames(desk.settings, words)
    context = {
        "channels": channels,
        "kept": kept,
        "kept_names": words("comma").join(names("channel", name) for name in kept),
        "teams": _teams(desk, actor),
        "form": form,
        "refused": refused,
        "canned": _ready(request, desk, actor),
        "file_limit": limit_on(desk, ""),
        "form_key": uuid4().hex,
        "longest": LONGEST_TEXT,
    }
    page = render(request, "new_mail.html.jinja", context)
    page.status_code = 422 if refused else 200
    return page


def _channels(desk: Desk) -> list[str]:
    """Return the channels by which a customer can be written to who has not written."""
    known = desk.settings.channels.items()
    return [name for name, channel in known if channel.has_way_out and kind_of(channel).can.mail]


def _teams(desk: Desk, actor: Actor) -> list[str]:
    return [name for name in desk.settings.teams if actor.sees_only is None or name in actor.sees_only]


def _mail(request: Request, desk: Desk, actor: Actor, *, form: Fields, files: Files) -> FirstMail:
    """Return the mail of the form. Raises ProblemError and ValueError where it cannot be sent."""
    words, text = moments_of(request, desk).words, form.whole("text")
    from connectors.email.mime.addresses import handle_of  # noqa: PLC0415  (the reader of mail, for this page only)

    if form.one("channel") not in _channels(desk) or form.one("team") not in _teams(desk, actor):
        raise ProblemError("invalid", words("refused_invalid"))
    if not is_visible(text) or not is_visible(form.one("subject")):
        raise ProblemError("invalid", words("refused_empty"))
    if names := unfilled(text):
        raise ProblemError("invalid", words("refused_unfilled", names=", ".join(names)))
    to = addresses(form.one("to"))
    if len(to) != 1 or "@" not in to[0]:
        raise ProblemError("invalid", words("refused_no_recipient"))
    refuse_more(limit_on(desk, form.one("channel")), sizes=[len(content) for _, content in files], words=words)
    order = MessageOrder(
        text=text,
        ends_draft=bool(files),
        based_on_version=1,
        copies=addresses(form.one("copies")),
        blind_copies=addresses(form.one("blind_copies")),
        rich=True,
        signs=True,
        undoable=True,
    )
    return FirstMail(
        channel=form.one("channel"),
        team=form.one("team"),
        to=handle_of(to[0]),
        name=form.one("name")[:100],
        subject=mask(form.one("subject")[:_LONGEST_SUBJECT]).text,
        order=order,
        files=tuple(file_named(name, content) for name, content in files),
    )


def _open(desk: Desk, actor: Actor, mail: FirstMail, *, once: str) -> tuple[str, PostedMessage]:
    """Open the conversation and queue its mail; return its reference."""

    def make() -> PostedMessage:
        opened = _case(connection, actor, mail)
        key = opened.reference
        for file in mail.files:
            add_file(connection, file, agent_id=actor.id, conversation_id=opened.conversation_id)
        posted = post_within(connection, desk, key, order=mail.order, actor=actor, once=once, opens_with=mail.to)
        link_first(connection, posted.message.id, inbound_id=opened.inbound_id)
        return posted

    sent = [(file.name, sha256(file.content).hexdigest()) for file in mail.files]
    asked = f"new\n{mail}\n{sent}"
    with desk.database.write() as connection:
        posted, _ = answer_once(
            connection, make, model=PostedMessage, actor=actor, key=once, asked=asked, status=_CREATED
        )
        reference = find_conversation(connection, posted.message.conversation_id).reference
    desk.bell.ring_to_send()
    return reference, posted


def _case(connection: Connection, actor: Actor, mail: FirstMail) -> OpenedCase:
    now, customer = read_clock(connection), Handle(PartyKind.EMAIL, mail.to)
    contact_id = lock_contacts(connection, senders={customer: mail.name}, now=now)[customer]
    words = mail.order.text.encode()
    case = DeskCase(
        original=pack(words),
        size=len(words),
        channel=mail.channel,
        contact_id=contact_id,
        subject=mail.subject,
        team=mail.team,
        assignee=actor.name,
        language="zh" if any("\u4e00" <= letter <= "\u9fff" for letter in mail.order.text) else "en",
    )
    return open_case(connection, case, by=actor.name, now=now)

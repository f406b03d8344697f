"""Store what providers deliver over HTTP: verified, with the same intake and source keys as polled messages."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from connectors.base import Batch, ProviderEndpoint, Taken, WebhookRequest, WebhookResponse
from connectors.passive_reply import PassiveEndpoint
from connectors.registry import endpoint_of, kind_of, write_collected
from router.errors import NotFound, PermanentError, TransientError
from router.settings import Settings
from router.settings.channels.base import ChannelSettings
from store.db.engine import Database
from store.inbound.accept import Accepted, find_inbound
from store.inbound.wakes import leave_wakes
from store.outbound.delivery_receipts import note_delivery
from workers.intake.shared_endpoints import count_strangers, others_at
from workers.intake.unstored import UnstoredMessages

if TYPE_CHECKING:
    from connectors.voice.notes import CallNote
    from connectors.web.form import Submission
    from workers.intake.intake import Intake
    from workers.sending.pull_outbox import Collected, Outbox

_TIMED: Final = 8

_log = structlog.get_logger()


class Unsigned(PermanentError):
    """The request is not signed by its provider."""


class ProviderWebhooks:
    """The public endpoints of all enabled channels; used by all threads of the application."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings, self._database = settings, database
        self._lock = threading.Lock()
        self._intake: Intake | None = None
        # For providers that do not wait; a thread whose database hangs ends with the database's own deadline.
        self._timed = ThreadPoolExecutor(_TIMED, thread_name_prefix="webhook")
        self._unstored = UnstoredMessages()
        hurried = [name for name, channel in settings.channels.items() if channel.enabled and channel.stored_within]
        if hurried:
            # Else the first message after a start would wait for the libraries, and its provider would not.
            self._timed.submit(self.load, hurried)

    def challenge(self, channel: str, request: WebhookRequest) -> WebhookResponse:
        """Return the response to a provider's challenge.

        Raises NotFound for a provider without challenges, PermanentError for a request that is not one.
        """
        return self._endpoint(channel).challenge(request)

    def message(self, channel: str, request: WebhookRequest, *, now: datetime) -> WebhookResponse:
        """Store what a provider delivers, and return the response once it is on disk.

        Raises NotFound without an endpoint, Unsigned, PermanentError for a request that is not for us, TransientError
        when it cannot be stored now, ConfigError when the desk is not configured for it.
        """
        endpoint = self._endpoint(channel)
        self._verify(endpoint, request, channel=channel, now=now)
        others = others_at(channel, endpoint, request, settings=self._settings, now=now)
        within = self._channel(channel).stored_within
        taken: dict[str, Taken] = {}
        for batch in [each.batch(request, now=now) for each in (endpoint, *others)]:
            if batch.messages or batch.reports or batch.wakes:
                taken |= self._stored(batch, now=now, within=within)
        count_strangers(channel, endpoint, request, known=others, database=self._database)
        if isinstance(endpoint, PassiveEndpoint) and (text := self._reply(endpoint, request, channel, taken=taken)):
            return endpoint.reply(request, text=text)
        return endpoint.answer(request, taken=taken)

    def form(self, channel: str, submission: Submission, *, now: datetime) -> UUID:
        """Store a filled contact form, once even if it is repeated, and return its inbound row's id.

        Raises NotFound without a form, TransientError when it cannot be stored now.
        """
        from connectors.web.form import batch_of  # noqa: PLC0415  (loaded with the first form)

        settings = self._channel(channel)
        if settings.contact_form is None:
            raise NotFound("this channel has no form")
        batch = batch_of(channel, submission, to=settings.address or "", now=now)
        self._keeper().take(batch)
        with self._database.read() as connection:
            return find_inbound(connection, channel=channel, source_key=submission.key)

    def call_note(self, channel: str, note: CallNote, *, now: datetime) -> UUID:
        """Store the note of a call, once even if it is repeated, and return its inbound row's id.

        Raises NotFound for a channel without calls, TransientError when it cannot be stored now.
        """
        from connectors.voice.notes import batch_of  # noqa: PLC0415  (loaded with the first note)

        notes = self._channel(channel).call_notes
        if notes is None:
            raise NotFound("this channel has no calls")
        self._keeper().take(batch_of(channel, notes, note, now=now))
        with self._database.read() as connection:
            return find_inbound(connection, channel=channel, source_key=note.key)

    def case_answer(self, channel: str, submission: Submission, *, now: datetime) -> None:
        """Store what a customer wrote on the page of a case, on the case's own channel, once even if it is repeated.

        Raises NotFound without such a channel, TransientError when it cannot be stored now.
        """
        from connectors.web.form import batch_of  # noqa: PLC0415  (loaded with the first form)

        settings = self._channel(channel)
        self._keeper().take(batch_of(channel, submission, to=settings.address or "", now=now))

    def status(self, channel: str, request: WebhookRequest, *, outbound_id: UUID, now: datetime) -> bool:
        """Record a delivery report; return whether it was new.

        Raises NotFound, Unsigned, PermanentError and ConfigError as `message` does.
        """
        endpoint = self._endpoint(channel, reports=True)
        self._verify(endpoint, request, channel=channel, now=now)
        report = endpoint.delivery(request)
        with self._database.write() as connection:
            return note_delivery(connection, outbound_id, report)

    def collect(
        self, channel: str, request: WebhookRequest, *, limit: int, now: datetime
    ) -> Sequence[Mapping[str, object]]:
        """Hand out the messages that wait for the channel's system. Raises as `message` does."""
        settings = self._collecting(channel, request, now=now)
        return [write_collected(channel, settings, each) for each in self._outbox().hand_out(channel, limit=limit)]

    def confirm(
        self, channel: str, request: WebhookRequest, *, answers: Collection[Collected], now: datetime
    ) -> Mapping[UUID, bool]:
        """Record what became of collected messages; return whether each is known. Raises as `message` does."""
        self._collecting(channel, request, now=now)
        return self._outbox().settle(channel, answers)

    def _collecting(self, channel: str, request: WebhookRequest, *, now: datetime) -> ChannelSettings:
        endpoint, settings = self._endpoint(channel), self._channel(channel)
        if not settings.replies_are_collected:
            raise NotFound("this channel has no outbox")
        self._verify(endpoint, request, channel=channel, now=now)
        return settings

    def _outbox(self) -> Outbox:
        from workers.sending.pull_outbox import Outbox  # noqa: PLC0415  (loaded with the first collection)

        return Outbox(self._settings, self._database)

    def load(self, channels: Collection[str]) -> None:
        """Load what storing messages of these channels takes."""
        self._keeper()
        for name in channels:
            row = kind_of(self._settings.channels[name])
            for part in (row.endpoint, row.reader):
                if part:
                    part.load()

    def close(self) -> None:
        """Close everything that was started."""
        if self._intake:
            self._intake.close()
        self._timed.shutdown(wait=False)

    def _stored(self, batch: Batch, *, now: datetime, within: timedelta | None) -> Mapping[str, Taken]:
        """Store a batch. within: how long that may take; it may still be stored after that, and then counts once.

        Raises TransientError when it cannot be stored now, or not in time.
        """
        keys = [each.source_key for each in batch.messages]
        try:
            taken = self._kept_within(batch, within) if within else self._kept(batch)
        except TransientError:
            self._unstored.note(batch.channel, keys, now=now)
            raise
        self._unstored.stored(batch.channel, keys)
        self._unstored.count_lost(self._database, now=now)
        return taken

    def _kept_within(self, batch: Batch, within: timedelta) -> Mapping[str, Taken]:
        storing = self._timed.submit(self._kept, batch)
        try:
            return storing.result(within.total_seconds())
        except TimeoutError as error:
            # One that has not begun yet must not begin long after its answer; one that has may still be stored.
            if not storing.cancel():
                storing.add_done_callback(partial(self._stored_late, batch))
            raise TransientError("the message could not be stored in time") from error

    def _stored_late(self, batch: Batch, storing: Future[Mapping[str, Taken]]) -> None:
        if storing.exception() is None:
            self._unstored.stored(batch.channel, [each.source_key for each in batch.messages])

    def _kept(self, batch: Batch) -> Mapping[str, Taken]:
        if batch.wakes:
            with self._database.write() as connection:
                leave_wakes(connection, batch.wakes)
        return _taken(self._keeper().keep(batch)) if batch.messages or batch.reports else {}

    def _reply(
        self, endpoint: PassiveEndpoint, request: WebhookRequest, channel: str, *, taken: Mapping[str, Taken]
    ) -> str:
        """Return the reply that leaves in the response; empty without one, and when the store does not answer now."""
        from workers.sending.passive_replies import PassiveReplies  # noqa: PLC0415  (loaded with the first reply)

        said = taken.get(endpoint.replied_to(request))
        if said is None or said.inbound_id is None or not self._channel(channel).passive_for:
            return ""
        try:
            return PassiveReplies(self._settings, self._database).text_for(channel, said.inbound_id)
        except TransientError:
            # The message is stored; its reply leaves as any other does.
            return ""

    def _verify(self, endpoint: ProviderEndpoint, request: WebhookRequest, *, channel: str, now: datetime) -> None:
        if not endpoint.is_signed(request, now=now):
            _log.warning("webhook.refused", channel=channel)
            raise Unsigned

    def _endpoint(self, channel: str, *, reports: bool = False) -> ProviderEndpoint:
        settings = self._channel(channel)
        if reports and not kind_of(settings).statuses:
            raise NotFound("no provider sends reports here")
        return endpoint_of(channel, settings, desk=self._settings.omniyard)

    def _channel(self, name: str) -> ChannelSettings:
        channel = self._settings.channels.get(name)
        if channel is None or not channel.enabled:
            raise NotFound("no channel has this address")
        return channel

    def _keeper(self) -> Intake:
        # The libraries of broker and parsers are loaded with the first message.
        from workers.broker.doorbell import Bell, broker_url  # noqa: PLC0415
        from workers.intake.first_look import FirstLook  # noqa: PLC0415
        from workers.intake.intake import Intake  # noqa: PLC0415

        with self._lock:
            if self._intake is None:
                self._intake = Intake(
                    self._database, bell=Bell(lambda: broker_url(self._settings)), look=FirstLook(self._settings)
                )
            return self._intake


def _taken(accepted: Accepted) -> dict[str, Taken]:
    found = {
        key: Taken(message.inbound_id, known=message.known, conflict=message.conflict)
        for key, message in accepted.messages.items()
    }
    return found | {key: Taken(unknown=not is_ours) for key, is_ours in accepted.reports.items()}

"""An answer waits to be taken back, and processes are killed in between: it leaves once or is a draft, never both."""

from __future__ import annotations

import re
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from benchmarks.rig import wait_until
from store.db.bulk import table_of
from store.db.engine import read_clock
from store.tables.composer import DraftRow
from store.tables.messages import ConversationRow
from store.tables.operations import OutboundRow
from tests.inbox_builder import Builder
from tests.journeys.crashes.conftest import House

UNDO = '[desk]\nundo_send = "1m"\n'


class Window:
    """An agent's browser, which signs in again and repeats what a dead process did not answer."""

    def __init__(self, built: House, armed: dict[str, str]) -> None:
        self._house, self._armed = built, armed
        self._client = httpx.Client(
            base_url=f"http://127.0.0.1:{built.port}", timeout=60, headers={"Sec-Fetch-Site": "same-origin"}
        )

    def close(self) -> None:
        self._client.close()

    def get(self, path: str) -> str:
        return self._until_answered("GET", path).text

    def press(self, path: str, **fields: str) -> int:
        """Press a button once; return the status, 0 when the process died."""
        try:
            return self._client.post(path, data=fields).status_code
        except httpx.TransportError:
            return 0

    def sign_in(self) -> None:
        self._until_answered("POST", "/sign-in", token=self._house.token)

    def _until_answered(self, method: str, path: str, **fields: str) -> httpx.Response:
        found: list[httpx.Response] = []

        def answered() -> bool:
            self._house.keep_running(**self._armed)
            try:
                found.append(self._client.request(method, path, data=fields or None))
            except httpx.TransportError:
                return False
            return found[-1].status_code < 500

        wait_until(answered, seconds=120, every=0.2)
        return found[-1]


def state(built: House, case: UUID) -> tuple[str, str, str | None]:
    """The states of the answer and of the conversation, and the draft."""
    outbound, conversation, draft = (table_of(model) for model in (OutboundRow, ConversationRow, DraftRow))
    with built.database.read() as connection:
        sending = connection.execute(sa.select(outbound.c.state).where(outbound.c.conversation_id == case)).scalar_one()
        status = connection.execute(sa.select(conversation.c.status).where(conversation.c.id == case)).scalar_one()
        text = connection.execute(sa.select(draft.c.text).where(draft.c.conversation_id == case)).scalar()
    return sending, status, text


@pytest.mark.timeout(600)
def test_a_kill_between_sending_and_leaving_loses_and_doubles_nothing(
    house: House,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    marks, toml = tmp_path_factory.mktemp("marks"), house.folder / "channels.toml"
    toml.write_text(toml.read_text(encoding="utf-8") + UNDO, encoding="utf-8")
    places = ("reply.after", "undo.written", "undo.after", "deliver.written")
    armed = {
        "OMNIYARD_FAILPOINTS": ",".join(f"{place}=kill" for place in places),
        "OMNIYARD_FAILPOINT_MARKS": str(marks),
    }
    cases = {}
    with house.database.write() as connection:
        build = Builder(connection)
        for reference in ("BACK00000", "SENT00000"):
            cases[reference] = build.conversation(reference=reference, handle=f"{reference}@customer.example".lower())
            build.message(cases[reference], sender_handle=f"{reference}@customer.example".lower())
    window = Window(house, armed)
    window.sign_in()

    # Given two answers that wait; the process dies after it has stored the first.
    for reference in cases:
        page = window.get(f"/conversations/{reference}")
        assert 'name="key"' in page, page[:300]
        key = re.findall(r'name="key" value="(\w+)"', page)[0]
        order = {"kind": "resolve", "text": f"Answer {reference}.", "version": "1", "key": key}
        first = window.press(f"/conversations/{reference}/say", **order)
        window.get(f"/conversations/{reference}")
        assert first or window.press(f"/conversations/{reference}/say", **order) == 303
    # When the first is taken back, and the process dies before and after that is stored
    outbound = str(next(row.id for row in house.rows() if row.conversation_id == cases["BACK00000"]))
    take_back = ("/conversations/BACK00000/cancel", {"outbound": outbound})
    assert window.press(take_back[0], **take_back[1]) == 0
    assert state(house, cases["BACK00000"]) == ("queued", "open", None)
    window.get("/conversations/BACK00000")
    assert window.press(take_back[0], **take_back[1]) == 0
    window.get("/conversations/BACK00000")
    # Then it is a draft, once, and the answer to a repeated press says so
    assert state(house, cases["BACK00000"]) == ("cancelled", "open", "Answer BACK00000.")
    assert window.press(take_back[0], **take_back[1]) == 409
    assert state(house, cases["BACK00000"]) == ("cancelled", "open", "Answer BACK00000.")

    # When the time of the second is over, and its sender dies while it claims it
    assert state(house, cases["SENT00000"]) == ("queued", "open", None)
    table = table_of(OutboundRow)
    with house.database.write() as connection:
        due = sa.update(table).where(table.c.conversation_id == cases["SENT00000"])
        connection.execute(due.values(due_at=read_clock(connection)))

    def left() -> bool:
        house.keep_running(**armed)
        return state(house, cases["SENT00000"])[0] == "sent"

    wait_until(left, seconds=120, every=0.2)
    # Then one mail has left, and with it the conversation is resolved
    assert state(house, cases["SENT00000"]) == ("sent", "resolved", None)
    assert [mail.mail["X-Omniyard"] for mail in house.sink.sink.taken] == [
        str(row.id) for row in house.rows() if row.state == "sent"
    ]
    assert {path.name for path in marks.iterdir()} == set(places)
    window.close()

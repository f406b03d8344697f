"""A desk that answers by itself. A plain module."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from router.answers.confidence import Confidence, Thresholds
from router.answers.trainer import AnswerModel
from store.db.engine import Database
from store.tables.messages import ConversationRow
from store.tables.operations import OutboundRow
from store.tables.self_service import AutoAnswerRow
from tests.desk import TOML, envelope
from tests.outgoing_desk import Provider, SendingDesk
from workers.answering.answerer import Answerer
from workers.answering.library import AnswerLibrary
from workers.answering.trained_answers import AnswerFolder, TrainedAnswers

FILES = {
    "refund--when.en.md": "# When does my refund arrive?\n> also: how long does a refund take\n\nWithin 7 days.\n",
    "refund--when.zh.md": "# 退款什么时候到账\n> also: 退款要多久\n\n七天之内。\n",
    "refund--how.en.md": "send: offer\n# How do I ask for a refund?\n> also: where is the button\n\nAsk the shop.\n",
}
ANSWERS = TOML.replace('data = "{data}"', 'data = "{data}"\npublic_url = "https://desk.example"').replace(
    "[channels.sales]",
    'answers = "answer"\n[channels.mail.send]\nhost = "127.0.0.1"\nsecurity = "none"\n[channels.sales]',
)
WEEK = 'week = { mon-sun = ["24h"] }'


class AnsweringDesk(SendingDesk):
    """A desk whose mail channel answers from three files; its thresholds say yes to whatever resembles."""

    def __init__(self, database: Database, folder: Path, *, toml: str = ANSWERS) -> None:
        super().__init__(database, folder, provider=Provider(), toml=toml)
        self.config = folder / "channels.toml"
        (folder / "faq").mkdir()
        for name, text in FILES.items():
            (folder / "faq" / name).write_text(text, encoding="utf-8")
        # A word that a text has in common with the question counts for it, and nothing else.
        words = Confidence((0.0,) * 9, (1.0,) * 9, (0.0,) * 6 + (8.0, 0.0, 0.0), -3.0)
        model = AnswerModel(words, Thresholds(answer=0.5, offer=0.2), "", frozenset())
        trained = TrainedAnswers(model, ("refund--how", "refund--when"), "", datetime.now(UTC))
        AnswerFolder(self.brain.settings, encoder="").keep(trained)
        self.library = AnswerLibrary(self.brain.settings, config=self.config)
        self.settle()

    def ask(self, key: str, text: str, **more: Any) -> None:
        more.setdefault("subject", f"Subject {key}")
        self.route(envelope(key, text=text, **more))

    def wait(self) -> None:
        """Let the pause pass that a customer may write in."""
        self.change(AutoAnswerRow, due_at=datetime.now(UTC) - timedelta(seconds=2))

    def settle(self) -> int:
        self.wait()
        return Answerer(self.database, self.brain, self.library).once()

    def states(self) -> list[str]:
        return [row.state for row in sorted(self.rows(AutoAnswerRow), key=lambda row: (row.asked_at, row.id))]

    def texts(self) -> list[str]:
        return [row.text for row in self.rows(OutboundRow) if row.dedupe_key.startswith("answer:")]


def new_cases(desk: AnsweringDesk) -> list[Any]:
    return [row for row in desk.rows(ConversationRow) if row.id != desk.conversation_id]

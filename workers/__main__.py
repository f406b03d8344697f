"""`python -m workers`: route the messages that the bell and the sweep report, send replies, and do the chores."""

from __future__ import annotations

import workers.runtime.plain_tracebacks  # noqa: F401  (before whatever imports structlog)
from connectors.registry import open_senders
from router.settings import Settings
from store.db.engine import Database
from store.desk.audit import is_anything_unsealed
from workers.broker.doorbell import Bell, broker_url
from workers.calls.call_writer import CallWriter
from workers.calls.hotline import Hotline
from workers.chores.agent_notices import notice_step
from workers.chores.assign import Assigner
from workers.chores.chat_keeper import ChatKeeper
from workers.chores.chat_retention import ChatForgetter
from workers.chores.chore_lane import Chore
from workers.chores.close_silent import SilentCaseCloser
from workers.chores.false_alarm_rate import FalseAlarmWatch
from workers.chores.fetch_files import FileFetcher
from workers.chores.publish_events import Publisher, seal_step
from workers.chores.ratings import RatingAsker
from workers.chores.retention import Forgetter
from workers.chores.sla import SlaWatch
from workers.chores.stuck_alarm_repair import AlarmRepair
from workers.chores.unanswered_alarms import AlarmEscalator
from workers.chores.webhooks import fan_out_step, targets
from workers.intake.intake import Intake
from workers.routing.brain import Brain, build_brain
from workers.routing.route import MessageRouter
from workers.runtime.cpu import calculate_alone
from workers.runtime.start import open_desk
from workers.sending.away_mail import AwayMailer
from workers.sending.threads import Dispatch
from workers.training.learn import LearntClassifier
from workers.worker import Companion, Worker


def main() -> None:
    """Compose the worker from the operator's file and run it."""
    calculate_alone()
    settings, database = open_desk()
    # Load the encoder now, so that no message waits for it.
    learnt = LearntClassifier(settings, at_once=True)
    brain = build_brain(settings, classifier=learnt)
    forgetter = Forgetter(database, keep=settings.omniyard.keep_originals)
    from workers.answering.answerer import Answerer  # noqa: PLC0415  (NumPy, not before the worker runs)
    from workers.answering.library import AnswerLibrary  # noqa: PLC0415
    from workers.answering.rephrase import Rephraser  # noqa: PLC0415
    from workers.generated.writer import TextWriter  # noqa: PLC0415

    writer, known = TextWriter.of(settings, database=database), settings.answers.model
    rephraser = Rephraser(database, writer, seconds=known.timeout.total_seconds()) if known else None
    library = AnswerLibrary(settings, database=database, encoder=learnt.encoder)
    lanes = {
        # A model may rephrase each answer, and takes its seconds.
        "answers": (Answerer(database, brain, library, rephraser=rephraser),),
        # Load a new model, and delete what is past its retention.
        "upkeep": (learnt, forgetter, ChatForgetter(database)),
    }
    intake = Intake(database, bell=Bell(lambda: broker_url(settings)))
    calls = CallWriter(database, Hotline(settings, database), intake)
    dispatch = Dispatch(database, brain, lanes=open_senders(settings))
    steps = (fan_out_step(settings.webhooks), seal_step, notice_step, AwayMailer(settings))
    publisher = Publisher(database, takeover=settings.omniyard.takeover, steps=steps, is_due=(is_anything_unsealed,))
    files = FileFetcher(database, settings)
    companions: list[Companion] = [publisher, files, *targets(database, settings.webhooks)]
    Worker(
        MessageRouter(database, brain, routed=publisher.written),
        find_url=lambda: broker_url(settings),
        dispatch=dispatch,
        chores=(*_chores(settings, database, brain), calls),
        lanes=lanes,
        companions=companions,
        heard=publisher.nudge,
    ).run()
    intake.close()
    database.close()


def _chores(settings: Settings, database: Database, brain: Brain) -> tuple[Chore, ...]:
    return (
        SlaWatch(database, brain),
        AlarmRepair(database),
        AlarmEscalator(database, brain),
        FalseAlarmWatch(database, brain),
        Assigner(database, brain),
        RatingAsker(database, brain),
        SilentCaseCloser(database, settings),
        ChatKeeper(database, brain),
    )


if __name__ == "__main__":
    main()

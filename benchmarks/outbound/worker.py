"""`python -m benchmarks.outbound.worker`: the sending threads at a fast pace, for `benchmarks.outbound` to kill."""

from __future__ import annotations

import os
import signal
import threading
from datetime import timedelta
from typing import Final

from benchmarks.outbound.fake_sms import FakeSmsSender
from connectors.registry import MAIL, open_senders
from router.settings.files import load_settings
from store.db.open import open_database
from workers.routing.brain import build_brain
from workers.runtime.logs import configure_logging
from workers.sending.deliver import SendingPace
from workers.sending.threads import Dispatch

SMS: Final = "sms"
# Minutes become seconds; the order of events stays.
_HURRY: Final = SendingPace(
    first_look=timedelta(seconds=0.5),
    next_look=timedelta(seconds=2),
    repeat_after=timedelta(seconds=2),
    looking=timedelta(seconds=2),
)


def main() -> None:
    """Send until stopped."""
    settings = load_settings(None)
    configure_logging(settings.omniyard.log_level)
    database = open_database(settings)
    lanes = {MAIL: open_senders(settings)[MAIL]}
    if port := os.environ.get("OMNIYARD_FAKE_SMS_PORT"):
        lanes[SMS] = {SMS: FakeSmsSender(SMS, port=int(port))}
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    dispatch = Dispatch(database, build_brain(settings), lanes=lanes, pace=_HURRY, period=0.2)
    dispatch.start()
    stopped.wait()
    dispatch.stop(seconds=20)
    database.close()


if __name__ == "__main__":
    main()

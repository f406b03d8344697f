"""`python -m connectors`: run the gates of all enabled channels and store what comes in.

The composition root of the gates: only this module of the folder knows the workers and the store.
"""

from __future__ import annotations

import gc
import sys
from functools import partial

import workers.runtime.plain_tracebacks  # noqa: F401  (before whatever imports structlog)
from connectors.daemon import Daemon
from connectors.email.dkim_check import open_check
from connectors.email.sandbox.parent import Guard
from connectors.freed_memory import return_freed, unmap_large_blocks
from connectors.registry import open_gates, open_polled, polled_mail
from workers.broker.doorbell import Bell, broker_url
from workers.intake.first_look import FirstLook
from workers.intake.intake import Intake
from workers.runtime.failpoints import reach
from workers.runtime.start import open_desk


def main() -> None:
    """Compose the gates from the operator's file and run them until a signal ends it."""
    unmap_large_blocks()
    settings, database = open_desk()
    lease = settings.omniyard.takeover
    check = open_check(settings)
    intake = Intake(
        database,
        bell=Bell(lambda: broker_url(settings)),
        lease=lease,
        mail=polled_mail(settings),
        new_guard=partial(Guard, signatures=check is not None),
        signatures=check,
        look=FirstLook(settings),
    )
    # A third of the lease: one renewal may be lost, and still no other process takes over.
    third = lease.total_seconds() / 3
    daemon = Daemon(
        intake,
        polled=open_polled(settings),
        gates=open_gates(settings),
        reach=reach,
        renew_every=third,
        ask_again=third,
    )
    # Objects loaded by now stay: the garbage collector need not scan them with every batch.
    return_freed()
    gc.freeze()
    rested = daemon.run()
    intake.close()
    database.close()
    sys.exit(0 if rested else 1)


if __name__ == "__main__":
    main()

"""The watchdog bites a loop that stands still, and no other."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

from connectors.watchdog import STOOD_STILL, Watchdog


def test_a_loop_that_is_heard_of_in_time_is_not_bitten():
    bitten = threading.Event()
    watchdog = Watchdog(bite=bitten.set)
    watchdog.start()
    watchdog.expect("ends", within=0.1)
    watchdog.forget("ends")
    for _ in range(6):
        watchdog.expect("lives", within=5)
        time.sleep(0.4)
    watchdog.stop()
    assert not bitten.is_set()


def test_a_loop_that_stands_still_is_bitten():
    bitten = threading.Event()
    watchdog = Watchdog(bite=bitten.set)
    watchdog.start()
    watchdog.expect("hangs", within=0.1)
    assert bitten.wait(5)
    watchdog.stop()


def test_a_bite_ends_the_process_and_leaves_the_stacks():
    program = (
        "import time; from connectors.watchdog import Watchdog\n"
        "dog = Watchdog(); dog.start(); dog.expect('hangs', within=0.1)\n"
        "def where_it_hangs(): time.sleep(60)\n"
        "where_it_hangs()"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30, check=False)
    assert ended.returncode == STOOD_STILL
    assert b"where_it_hangs" in ended.stderr

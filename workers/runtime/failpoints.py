"""Named places where a test may kill, fail or freeze this process; in production they are a look-up in an empty table.

`OMNIYARD_FAILPOINTS="route.claimed=kill,bell.ring=raise,route.read=hang:40"` arms them. `hang` stops the whole process
for so many seconds, as a paused machine does: a thread that only slept would have its lease renewed by another. With
`OMNIYARD_FAILPOINT_MARKS=FOLDER` each acts once in all, over any number of restarts, and leaves a file of its name
there, which proves that it was reached.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

# Of what leaves: an agent's request, then its sending.
SENDING: Final = (
    "reply.written",
    "reply.after",
    "deliver.before",
    "deliver.written",
    "deliver.claimed",
    "deliver.sent",
    "deliver.looked",
)
# Of what tools are told, where there is a tool.
TELLING: Final = ("webhook.before", "webhook.sent")
# In the order of a message's path; `docs/architecture.md` tells what a kill at each of them means.
NAMES: Final = (
    "own.after",
    "fetch.after",
    "accept.before",
    "accept.written",
    "accept.after",
    "bell.ring",
    "settle.before",
    "settle.after",
    "route.claimed",
    "route.read",
    "route.locked",
    "route.decided",
    "route.written",
    "route.after",
    "sweep.before",
    "watch.before",
    "watch.written",
    "watch.after",
    "assign.before",
    "assign.written",
    "assign.after",
    "publish.before",
    "publish.written",
    "publish.after",
    *SENDING,
    *TELLING,
)


class FailpointError(Exception):
    """A test asked for a failure here."""


def reach(name: str) -> None:
    """Do here what the environment says; nothing unless a test armed this place."""
    action = _armed().get(name)
    if action and _mark(name):
        _act(action, name=name)


def _read(spec: str) -> Mapping[str, str]:
    armed = dict(pair.split("=", 1) for pair in spec.split(",") if pair)
    unknown = armed.keys() - set(NAMES)
    if unknown:
        raise ValueError(f"OMNIYARD_FAILPOINTS names {sorted(unknown)}; there are {', '.join(NAMES)}")
    return armed


def _mark(name: str) -> bool:
    """Tell whether this is the first time that `name` acts."""
    folder = os.environ.get("OMNIYARD_FAILPOINT_MARKS")
    if not folder:
        return True
    try:
        (Path(folder) / name).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _act(action: str, *, name: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "raise":
        raise FailpointError(name)
    elif action.startswith("hang:"):
        _freeze(float(action.removeprefix("hang:")))
    else:
        raise ValueError(f"failpoint {name}: {action!r} is none of kill, raise, hang:SECONDS")


def _freeze(seconds: float) -> None:
    """Stop every thread of this process; a child wakes it."""
    ours = os.getpid()
    os.posix_spawn("/bin/sh", ["sh", "-c", f"sleep {seconds}; kill -CONT {ours}"], os.environ)
    os.kill(ours, signal.SIGSTOP)


@cache
def _armed() -> Mapping[str, str]:
    # Read once, at the first place that is reached: an import reads no environment and cannot fail.
    return _read(os.environ.get("OMNIYARD_FAILPOINTS", ""))

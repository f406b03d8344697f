"""Named places at which a test may kill, fail or freeze this process; in production each is one table look-up.

`OMNIYARD_FAILPOINTS="route.claimed=kill,bell.ring=raise,route.read=hang:40"` arms them. `hang` stops the whole process
for that many seconds, like a paused machine; if only one thread slept, another would renew its lease. With
`OMNIYARD_FAILPOINT_MARKS=FOLDER` each failpoint acts only once, even after restarts, and creates a file with its name
in the folder, which proves that it was reached.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

# Outgoing messages: an agent's request, then its delivery.
SENDING: Final = (
    "reply.written",
    "reply.after",
    "deliver.before",
    "deliver.written",
    "deliver.claimed",
    "deliver.sent",
    "deliver.looked",
)
# An answer that its agent takes back; reached only if one does.
UNDOING: Final = ("undo.written", "undo.after")
# A visitor's line of the chat.
CHAT: Final = ("chat.before", "chat.written", "chat.after")
# Outgoing webhooks; reached only if a target is configured.
WEBHOOKS: Final = ("webhook.before", "webhook.sent")
# An alarm that no one confirms; reached only if the file says `escalate_after`.
ALARM: Final = ("alarm.before", "alarm.written", "alarm.after")
# An assignee who may not have a conversation any more; reached only if there is one.
RELEASING: Final = ("release.before", "release.written", "release.after")
# Cases that are closed after silence; reached only if a customer stops writing.
CLOSING: Final = ("close.before", "close.written", "close.after")
# An automatic answer; reached only on a channel that offers or answers.
ANSWERING: Final = ("answer.decided", "answer.written", "answer.after")
# A call that becomes a message; reached only if a hotline has a menu.
CALLS: Final = ("call.claimed", "call.accepted")
# A file that is fetched after its message; reached only if one came as a reference.
FILES: Final = ("file.claimed", "file.fetched", "file.kept")
# A call to a model, counted before it is made; reached only if one is configured.
GENERATING: Final = ("model.taken", "model.answered")
# In the order of a message's path; `docs/architecture.md` explains the effect of a kill at each of them.
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
    *UNDOING,
    *CHAT,
    *WEBHOOKS,
    *ALARM,
    *RELEASING,
    *CLOSING,
    *ANSWERING,
    *CALLS,
    *FILES,
    *GENERATING,
)


class FailpointError(Exception):
    """A test armed a failure here."""


def reach(name: str) -> None:
    """Do the armed action of this failpoint; do nothing if no test armed it."""
    action = _armed().get(name)
    if action and _mark(name):
        _act(action, name=name)


def _read(spec: str) -> Mapping[str, str]:
    armed = dict(pair.split("=", 1) for pair in spec.split(",") if pair)
    unknown = armed.keys() - set(NAMES)
    if unknown:
        raise ValueError(f"OMNIYARD_FAILPOINTS names {sorted(unknown)}; expected names from {', '.join(NAMES)}")
    return armed


def _mark(name: str) -> bool:
    """Return whether `name` acts for the first time."""
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
        raise ValueError(f"failpoint {name}: expected kill, raise or hang:SECONDS, not {action!r}")


def _freeze(seconds: float) -> None:
    """Stop every thread of this process; a child process continues it."""
    ours = os.getpid()
    os.posix_spawn("/bin/sh", ["sh", "-c", f"sleep {seconds}; kill -CONT {ours}"], os.environ)
    os.kill(ours, signal.SIGSTOP)


@cache
def _armed() -> Mapping[str, str]:
    # Read once, at the first failpoint: an import must not read the environment, and must not fail.
    return _read(os.environ.get("OMNIYARD_FAILPOINTS", ""))

"""Misbehaving servers, made of a real one and a proxy in front of it: they refuse, forget, hide and hang up."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from select import select

HANG_UP = b""

# What a proxy does with a client's command: None passes it on, bytes are the answer, HANG_UP ends the connection.
Rule = Callable[[bytes, bytes], bytes | None]


class ImapProxy:
    """Listens on loopback and passes on to `port`. One rule object per connection, so that rules may have state.

    hide: capabilities that the server has and the client must not see.
    cut_after: the connection is cut after this many bytes to the client.
    stalled: while it is set, the server's answers are held back.
    questions: how often clients have said something.
    """

    def __init__(
        self,
        port: int,
        *,
        rule: Callable[[], Rule] = lambda: pass_on,
        hide: tuple[bytes, ...] = (),
        cut_after: int | None = None,
    ) -> None:
        self._to, self._rule, self._hide = port, rule, hide
        self.cut_after = cut_after
        self.connections = self.questions = 0
        self.stalled = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()

    def stop(self) -> None:
        """Cut all connections and stop listening."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(5)
        self._listening.close()

    def _listen(self) -> None:
        while not self._stopped.is_set():
            if select([self._listening], [], [], 0.05)[0]:
                client, _ = self._listening.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._to)) as server, suppress(OSError):
            self._pump(client, server, self._rule())

    def _pump(self, client: socket.socket, server: socket.socket, rule: Rule) -> None:
        room = self.cut_after
        while not self._stopped.is_set():
            readable = select([client, server], [], [], 0.05)[0]
            if server in readable and not self.stalled.is_set():
                answer = self._hidden(server.recv(65_536))
                if not answer:
                    return
                client.sendall(answer if room is None else answer[:room])
                if room is not None and (room := room - len(answer)) <= 0:
                    return
            if client in readable and not self._ask(client, server, rule):
                return

    def _ask(self, client: socket.socket, server: socket.socket, rule: Rule) -> bool:
        line = client.recv(65_536)
        if not line:
            return False
        self.questions += 1
        tag, _, command = line.partition(b" ")
        reply = rule(tag, command)
        if reply is None:
            server.sendall(line)
        elif reply == HANG_UP:
            return False
        else:
            client.sendall(reply)
        return True

    def _hidden(self, answer: bytes) -> bytes:
        if b"CAPABILITY" in answer:
            for name in self._hide:
                answer = re.sub(rb"\b" + name + rb"\b", b"X" * len(name), answer)
        return answer


def pass_on(tag: bytes, command: bytes) -> bytes | None:
    """Pass everything on."""


def like_netease() -> Rule:
    """Refuse SELECT and EXAMINE until the client has sent its ID, as 163.com, 126.com and yeah.net do."""
    named = False

    def rule(tag: bytes, command: bytes) -> bytes | None:
        nonlocal named
        named = named or command.startswith(b"ID ")
        if command.startswith((b"SELECT", b"EXAMINE")) and not named:
            return tag + b" NO EXAMINE Unsafe Login. Please contact kefu@188.com for help\r\n"
        return None

    return rule


def refusing(pattern: bytes, reply: bytes = b" NO [SERVERBUG] Internal error\r\n") -> Callable[[], Rule]:
    """Answer NO to commands that match, or hang up on them if the reply is HANG_UP."""

    def rule(tag: bytes, command: bytes) -> bytes | None:
        if re.search(pattern, command):
            return HANG_UP if reply == HANG_UP else tag + reply
        return None

    return lambda: rule

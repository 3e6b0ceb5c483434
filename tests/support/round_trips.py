# SPDX-License-Identifier: Apache-2.0
"""A way to a server of this machine on which round trips are counted."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def counted(port: int) -> Iterator[tuple[int, Callable[[], int]]]:
    """Yield a port that leads to another, and what tells how often a client began to ask there.

    What it sends before it has read anything of the response to what came before is one.
    """
    turns = 0

    def relay(client: socket.socket) -> None:
        nonlocal turns
        asking = False
        with (
            client,
            socket.create_connection(("127.0.0.1", port)) as server,
            selectors.DefaultSelector() as ready,
            suppress(OSError),
        ):
            other = {client: server, server: client}
            for end in other:
                ready.register(end, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    asked = key.fileobj is client
                    end = client if asked else server
                    data = end.recv(65536)
                    if not data:
                        return
                    turns += asked and not asking
                    asking = asked
                    other[end].sendall(data)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=relay, args=(listening.accept()[0],)).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listening.getsockname()[1], lambda: turns
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()

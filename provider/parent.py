# SPDX-License-Identifier: Apache-2.0
"""Noticing that the process that started us has died.

An engine that is killed sends nothing: no signal, no call. Its plugins would stay for good, each
with a port and 50 MB. The kernel's own notice (``PR_SET_PDEATHSIG``) is no help: it comes when the
*thread* that forked us ends, and the engine's threads come and go.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable

_POLL_SECONDS = 1.0


def on_parent_death(action: Callable[[], object], parent: int) -> None:
    """Call ``action`` in a thread of its own once the parent process has died.

    ``parent`` is its pid as it was when the program began.
    """

    def wait() -> None:
        _wait_for_end(parent)
        action()

    threading.Thread(target=wait, name="parent", daemon=True).start()


def _wait_for_end(pid: int) -> None:
    # An orphan has another parent at once, so the number cannot have been given anew meanwhile.
    try:
        ended = os.pidfd_open(pid)
    except (AttributeError, OSError):
        ended = None  # No Linux, a kernel before 5.3, or it has ended already.
    if ended is not None and os.getppid() == pid:
        select.select([ended], [], [])
        os.close(ended)
    while os.getppid() == pid:
        time.sleep(_POLL_SECONDS)

# SPDX-License-Identifier: Apache-2.0
"""A clock that is read often and set seldom: time and Date header, one tick a second."""

from __future__ import annotations

import time
from email.utils import formatdate


class Clock:
    """``now`` is monotonic seconds at the last tick; ``date`` the Date line of that moment."""

    __slots__ = ("date", "now")

    def __init__(self) -> None:
        self.now = 0.0
        self.date = b""
        self.tick()

    def tick(self) -> bool:
        """Read the real clocks; return True when the Date line changed."""
        self.now = time.monotonic()
        # IMF-fixdate, RFC 9110 section 5.6.7.
        date = b"Date: %b\r\n" % formatdate(time.time(), usegmt=True).encode()
        changed = date != self.date
        self.date = date
        return changed

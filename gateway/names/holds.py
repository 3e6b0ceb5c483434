# SPDX-License-Identifier: Apache-2.0
"""How holds are named: the control plane checks it, and who names one before it is asked."""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_ALLOWED = "1 to 100 letters, digits, dots, dashes and underscores"


def hold_problem(text: str) -> str:
    """Return what is wrong with the name of a hold, or nothing."""
    return "" if _NAME.fullmatch(text) else f'"{text}" is no name of a hold; allowed: {_ALLOWED}'

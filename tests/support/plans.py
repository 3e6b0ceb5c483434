# SPDX-License-Identifier: Apache-2.0
"""What a preview would do to a live stack, as lines of text that a test can state."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tools.stubs.session import PulumiOutcome, StubSession

FLAGS = ("--diff", "--show-replacement-steps")
"""With these, a preview shows both halves of a replacement, in the order of the engine."""
WORDS = {
    "create": "make",
    "update": "update",
    "delete": "delete",
    "create-replacement": "make anew",
    "delete-replaced": "delete the old",
}
STEP = re.compile(r"^( *)\S+ ?[\w:/.-]+: \(([a-z-]+)\)")
EDIT = re.compile(r"^( *)[~+-] (\S+?) *: ")


def plan(shown: PulumiOutcome) -> list[str]:
    """Return the steps of a preview with ``FLAGS``, in the engine's order.

    One is ``update cluster-nodes: scalingConfig``; a replacement is two, ``make anew`` and
    ``delete the old``, and their order says whether something stands meanwhile.
    """
    assert shown.code == 0, shown.text
    found: list[str] = []
    depth, word = 0, ""
    for line in shown.output.splitlines():
        if step := STEP.match(line):
            depth, word = len(step[1]), WORDS.get(step[2], "")
        elif word and (urn := re.match(r" *\[urn=.*::(.+)\]", line)):
            found.append(f"{word} {urn[1]}")
        elif (
            word in ("update", "make anew")
            and (edit := EDIT.match(line))
            and len(edit[1]) == depth + 2
        ):
            found[-1] += f"{', ' if ': ' in found[-1] else ': '}{edit[2]}"
    return found


def refusal(shown: PulumiOutcome) -> str:
    """Return what a preview said that failed before anything was registered."""
    assert shown.code != 0, shown.text
    assert "Traceback" not in shown.text, shown.text
    return shown.text


@contextmanager
def changed(session: StubSession, **changes: Any) -> Iterator[StubSession]:
    """Give the stack with ``changes`` of its configuration, and put it back afterwards."""
    before = {key: session.settings.get(f"kafka-gateway:{key}") for key in changes}
    session.write_settings(**changes)
    try:
        yield session
    finally:
        session.write_settings(**before)


def planned(session: StubSession, **changes: Any) -> list[str]:
    """Return what these changes of the configuration would do to the live stack."""
    with changed(session, **changes):
        return plan(session.preview(*FLAGS))


def refused(session: StubSession, **changes: Any) -> str:
    """Return why these changes of the configuration are refused at the preview."""
    with changed(session, **changes):
        return refusal(session.preview())

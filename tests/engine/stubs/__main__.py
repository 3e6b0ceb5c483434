# SPDX-License-Identifier: Apache-2.0
"""Preview a cloud stack on stubs by hand: `tools/stub_preview STACK [pulumi flags...]`."""

from __future__ import annotations

import sys

from tests.engine.stubs.install import ROOT
from tests.engine.stubs.session import StubSession


def main(stack: str, *arguments: str) -> int:
    """Preview ``stack`` and print what the engine says; state and world stay in .state/stubs."""
    session = StubSession(ROOT / ".state" / "stubs" / stack, stack)
    sys.stderr.write("on stub providers: no account, and no cloud has seen this\n")
    if session.made_up:
        sys.stderr.write(
            f"made up, as the stack file leaves it open: {', '.join(session.made_up)}\n"
        )
    done = session.preview(*arguments)
    sys.stdout.write(done.output)
    sys.stderr.write(done.errors)
    return done.code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

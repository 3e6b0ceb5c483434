# SPDX-License-Identifier: Apache-2.0
"""Preview a cloud stack on stubs by hand: `tools/stub_preview STACK [pulumi flags...]`."""

from __future__ import annotations

import sys

from tools.stubs.install import ROOT
from tools.stubs.session import StubSession


def main(stack: str, *arguments: str) -> int:
    """Preview ``stack`` and print what the engine says; state and world stay in .state/stubs."""
    if stack not in cloud_stacks():
        allowed = ", ".join(cloud_stacks())
        sys.stderr.write(f"no stack {stack!r} to preview on stubs; allowed: {allowed}\n")
        return 2
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


def cloud_stacks() -> list[str]:
    """Return the stacks with a committed file; `local` has a generated one, and needs no stubs."""
    files = (ROOT / "stacks").glob("Pulumi.*.yaml")
    return sorted({file.stem.partition(".")[2] for file in files} - {"local"})


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

# SPDX-License-Identifier: Apache-2.0
"""The command line: ``kafka-gateway run | check | topic | …``.

Exit codes: 0 done, 1 something is wrong with what was asked (the text says what), 2 the command
line itself.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    if sys.argv[1:] == ["run"]:
        # The way a node starts: typer and rich would take a tenth of a second of a start's one.
        from gateway.commands.run import start

        sys.exit(start())
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.commands.command_line import application

    application()()


if __name__ == "__main__":
    main()

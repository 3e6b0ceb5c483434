# SPDX-License-Identifier: Apache-2.0
"""The command line: ``kafka-gateway run | check | topic | …``.

Exit codes: 0 done, 1 something is wrong with what was asked (the text says what), 2 the command
line itself.
"""

from __future__ import annotations

import os
import sys

CONTROL_PLANE = frozenset(
    {"alembic", "anyio", "jinja2", "mako", "psycopg", "sqlalchemy", "starlette"}
)
"""Packages that only a control plane and commands on its database import: an image that is built
for data planes alone has none of them.
"""


def main() -> None:
    """Run the command line."""
    try:
        _run()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in CONTROL_PLANE:
            raise
        print(
            f"error: {' '.join(sys.argv[1:])} needs {error.name}, which is not installed: this is "
            "an image for data planes alone (ROLES=data-plane); use the one for all roles",
            file=sys.stderr,
        )
        sys.exit(1)


def _run() -> None:
    if sys.argv[1:] == ["run"]:
        # The way a node starts: typer and rich would take a tenth of a second of a start's one.
        from gateway.commands.run import start

        sys.exit(start())
    _prepare()
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.commands.command_line import application

    application()()


def _prepare() -> None:
    """Have streams that take any text, and a width, whatever the caller has left of them."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:  # it was closed
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 - to the end
            setattr(sys, name, stream)
        if mode == "w":
            stream.reconfigure(errors="backslashreplace")
    if os.environ.get("COLUMNS") == "0":
        del os.environ["COLUMNS"]  # said by some that know of no terminal; nothing would be shown


if __name__ == "__main__":
    main()

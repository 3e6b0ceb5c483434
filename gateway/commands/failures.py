# SPDX-License-Identifier: Apache-2.0
"""How commands end when something fails."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import typer

from gateway.commands.lines import line
from gateway.errors import GatewayError

P = ParamSpec("P")
T = TypeVar("T")


def in_words(command: Callable[P, T]) -> Callable[P, T]:
    """Let a command end with one sentence and exit code 1 when something fails."""

    @wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> T:
        try:
            return command(*arguments, **options)
        except GatewayError as error:
            text = str(error)
        except BrokenPipeError:
            raise  # typer ends quietly then
        except OSError as error:
            text = ": ".join(filter(None, (error.filename, error.strerror or str(error))))
        except UnicodeEncodeError:
            text = "what stands on the command line, or in the environment, is not all UTF-8"
        # It may be in the words of a server: nothing in it may steer the terminal.
        typer.echo("error: " + "\n".join(map(line, text.split("\n"))), err=True)
        raise typer.Exit(1)

    return run

# SPDX-License-Identifier: Apache-2.0
"""The command line of ``kafka-gateway``, put together from the modules in ``gateway/commands``."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Annotated

import typer

from gateway import __version__, commands


def application() -> typer.Typer:
    """Return the whole command line.

    A module of that folder is a command (it has a function ``command``) or a group of commands
    (it has a typer application ``app``); adding one touches nothing else.
    """
    root = typer.Typer(
        name="kafka-gateway",
        help="The gateway between HTTP clients and Kafka topics.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    root.callback()(_root)
    for found in sorted(pkgutil.iter_modules(commands.__path__), key=lambda module: module.name):
        module = importlib.import_module(f"{commands.__name__}.{found.name}")
        if hasattr(module, "app"):
            root.add_typer(module.app, name=found.name)
        elif hasattr(module, "command"):
            root.command(found.name)(module.command)
    return root


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kafka-gateway {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version."
        ),
    ] = False,
) -> None:
    """Take the options in front of the command."""

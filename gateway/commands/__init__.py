# SPDX-License-Identifier: Apache-2.0
"""The commands of ``kafka-gateway``, one file each; made only when a command line is parsed."""

from __future__ import annotations

import importlib
import pkgutil

import typer


def application() -> typer.Typer:
    """Return the whole command line.

    A module of this folder is a command (it has a function ``command``) or a group of commands
    (it has a typer application ``app``); adding one touches nothing else.
    """
    root = typer.Typer(
        name="kafka-gateway",
        help="The gateway between HTTP clients and Kafka topics.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    root.callback()(_version)
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        module = importlib.import_module(f"{__name__}.{found.name}")
        if hasattr(module, "app"):
            root.add_typer(module.app, name=found.name)
        elif hasattr(module, "command"):
            root.command(found.name)(module.command)
    return root


def _version(
    version: bool = typer.Option(False, "--version", help="Print the version and exit."),
) -> None:
    if version:
        from gateway import __version__

        typer.echo(f"kafka-gateway {__version__}")
        raise typer.Exit

# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway check``: find every mistake in settings and routes before anything runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.errors import DocumentError, SettingsError
from gateway.settings.settings import Settings
from gateway.settings.sources import collect, unknown_settings

_TOPIC = "kafka.topics."


def command(
    file: Annotated[
        Path | None, typer.Argument(help="A decK file, with or without placeholders.")
    ] = None,
    conf: Annotated[Path | None, typer.Option(help="A kong.conf.")] = None,
) -> None:
    """Check the settings of the environment, and a decK file; exit code 1 lists all problems."""
    warnings, problems = check_settings(conf)
    if file is not None:
        problems += check_file(file, StandIns())
    for warning in warnings:
        typer.echo(f"warning: {warning}", err=True)
    for problem in problems:
        typer.echo(f"error: {problem}", err=True)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{file} and the settings are right" if file else "the settings are right")


def check_settings(conf: Path | None) -> tuple[list[str], list[str]]:
    """Return warnings and problems of the settings, and of the declarative file they name."""
    try:
        values = collect(os.environ, conf)
    except SettingsError as error:
        return [], error.problems
    warnings = unknown_settings(values, os.environ)
    try:
        settings = Settings.from_values(values)
    except SettingsError as error:
        return warnings, error.problems
    if settings.declarative_config is None:
        return warnings, []
    return warnings, check_file(Path(settings.declarative_config), {})


def check_file(path: Path, placeholders: Mapping[str, Any]) -> list[str]:
    """Return everything that is wrong with a decK file, each problem with file and path."""
    # Late, since settings alone are checked without the models.
    from gateway.documents.deck import load_deck

    try:
        load_deck(path, placeholders, os.environ)
    except DocumentError as error:
        return [f"{error.source or path}: {problem}" for problem in error.problems]
    return []


class StandIns(Mapping[str, Any]):
    """A value for every placeholder there is, so that a stack's routes can be checked alone."""

    def __getitem__(self, name: str) -> Any:
        if name == "kafka.bootstrap_servers":
            return object()  # No plain data: what stands there is not checked.
        if name == "stack.name" or name.startswith(_TOPIC):
            return name.removeprefix(_TOPIC)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and (
            name in ("kafka.bootstrap_servers", "stack.name") or name.startswith(_TOPIC)
        )

    def __iter__(self) -> Iterator[str]:
        return iter(("kafka.bootstrap_servers", "kafka.topics.<name>", "stack.name"))

    def __len__(self) -> int:
        return 3

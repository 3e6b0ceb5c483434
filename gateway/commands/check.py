# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway check``: find every mistake in settings and routes before anything runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.errors import DocumentError, SettingsError
from gateway.settings.compatibility import use_version
from gateway.settings.settings import Settings
from gateway.settings.sources import collect, unknown_settings


def command(
    file: Annotated[
        Path | None, typer.Argument(help="A decK file, with or without placeholders.")
    ] = None,
    conf: Annotated[Path | None, typer.Option(help="A kong.conf.")] = None,
) -> None:
    """Check the settings of the environment, and a decK file; exit code 1 lists all problems."""
    warnings, problems = check_settings(conf)
    if file is not None:
        more, wrong = check_file(file)
        warnings, problems = warnings + more, problems + wrong
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
    if warning := _trust_warning(settings):
        warnings.append(warning)
    use_version(settings.compatibility_version)
    if settings.declarative_config is None:
        return warnings, []
    more, problems = check_file(Path(settings.declarative_config), {})
    return warnings + more, problems


def _trust_warning(settings: Settings) -> str:
    # Late, since most checks have nothing to do with a data plane.
    from gateway.data_plane.master.trusted_authorities import trust_warning

    return trust_warning(settings)


def check_file(
    path: Path, placeholders: Mapping[str, Any] | None = None
) -> tuple[list[str], list[str]]:
    """Return warnings and problems of a decK file, each with file and path.

    Without ``placeholders`` there is a value for each that a stack fills in.
    """
    # Late, since settings alone are checked without the models.
    from gateway.documents.deck import read_deck
    from gateway.documents.placeholders import StandIns
    from gateway.plugins.warnings import configuration_warnings

    filled_in = StandIns() if placeholders is None else placeholders
    try:
        _, table = read_deck(path, filled_in, os.environ)
    except DocumentError as error:
        return [], [f"{error.source or path}: {problem}" for problem in error.problems]
    return [f"{path}: {text}" for text in configuration_warnings(table)], []

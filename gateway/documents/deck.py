# SPDX-License-Identifier: Apache-2.0
"""Read decK files: YAML in format 3.0, or an older one, into keyed documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.documents.deck_lists import keyed, positions_of_unnamed
from gateway.documents.document import check_document, to_table
from gateway.documents.known_rows import KnownRows
from gateway.documents.older_paths import renew_paths
from gateway.documents.placeholders import UNKNOWN, fill_in, render_environment
from gateway.documents.yaml_text import load_yaml
from gateway.entities.checks import Table, check_table
from gateway.errors import DocumentError
from gateway.names.spelling import choices

_FORMATS = ("0.1", "1.1", "2.1", "3.0")
_OLDER = ("1.1", "2.1")


def load_deck(
    path: Path,
    placeholders: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the keyed document of a decK file with placeholders filled in; see ``read_deck``."""
    return read_deck(path, placeholders, environment)[0]


def read_deck(
    path: Path,
    placeholders: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
) -> tuple[dict[str, Any], Table]:
    """Read and check a decK file; returns its document, and the flat rows that are known.

    ``placeholders`` maps the full name in ``${…}`` (``kafka.topics.orders``) to its value. Values
    that are no plain data, such as Pulumi outputs, are put in as they are and not checked.
    ``environment`` is what ``${{ env "DECK_…" }}`` reads; without it such expressions are refused.

    Raises ``DocumentError`` with every problem: file, path, allowed values, nearest spelling.
    """
    with naming(str(path)):
        document = keyed(_parsed_file(path, environment))
        filled: dict[str, Any]
        filled, partly = fill_in(document, placeholders)
        with positions_of_unnamed(document):
            table = check_document(partly, UNKNOWN)
    return filled, table


def read_table(
    path: Path,
    owner: str,
    now: int,
    environment: Mapping[str, str],
    known: KnownRows | None = None,
) -> Table:
    """Read and check a decK file that has no placeholders; returns its flat rows.

    They are those that ``to_table`` makes of its document, checked once and among each other.
    ``now`` is in seconds since 1970; ``known`` are the rows of the reading before.
    Raises ``DocumentError`` as ``read_deck`` does.
    """
    with naming(str(path)):
        document, _ = fill_in(keyed(_parsed_file(path, environment)), {})
        with positions_of_unnamed(document):
            table = to_table(document, owner, now, known=known)
            check_table(table)
    return table


def _parsed_file(path: Path, environment: Mapping[str, str] | None) -> dict[str, Any]:
    return parse(render_environment(path.read_text(encoding="utf-8"), environment))


@contextmanager
def naming(source: str) -> Iterator[None]:
    """Name the file in what is wrong with it, that it cannot be read included."""
    try:
        yield
    except OSError as error:
        raise DocumentError([f"cannot be read: {error.strerror}"], source) from error
    except UnicodeDecodeError as error:
        raise DocumentError(["is not UTF-8 text"], source) from error
    except DocumentError as error:
        raise DocumentError(error.problems, source) from error


def parse(text: str) -> dict[str, Any]:
    """Parse decK's YAML and check its header; older formats are turned into 3.0.

    Raises ``DocumentError`` for bad YAML (with line and column) and unknown formats.
    """
    return checked_format(load_yaml(text))


def checked_format(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a document with its header checked, turned into 3.0; raises ``DocumentError``."""
    if not raw:
        return {}
    raw = dict(raw)
    given = raw.pop("_format_version", "1.1")
    version = "3.0" if given == 3 else str(given)  # a number without quotes
    if version not in _FORMATS:
        advice = choices(version, (f'"{known}"' for known in _FORMATS))
        raise DocumentError([f'_format_version: "{version}" is not known; {advice}'])
    if version in _OLDER:
        renew_paths(raw)
    return _from_packages(raw) if version == "0.1" else raw


def _from_packages(raw: dict[str, Any]) -> dict[str, Any]:
    """Turn ``service_packages`` of format 0.1 into services of the first Konnect.

    A service is named after its package, with its version appended when there are several.
    """
    rest = {name: value for name, value in raw.items() if name != "service_packages"}
    if rest:
        allowed = choices(next(iter(rest)), ["service_packages"])
        raise DocumentError([f"{next(iter(rest))}: unknown in format 0.1; {allowed}"])
    services = []
    packages = raw.get("service_packages") or []
    if not isinstance(packages, list):
        raise DocumentError(["service_packages: expected a list"])
    for position, package in enumerate(packages):
        where = f"service_packages[{position}]"
        if not isinstance(package, dict) or not isinstance(package.get("name"), str):
            raise DocumentError([f"{where}.name: required field missing"])
        versions = package.get("versions") or []
        if not isinstance(versions, list):
            raise DocumentError([f"{where}.versions: expected a list"])
        for number, version in enumerate(versions):
            service = _implementation(version, f"{where}.versions[{number}]")
            suffix = f"-{version.get('version')}" if len(versions) > 1 else ""
            services.append({"name": f"{package['name']}{suffix}", **service})
    return {"services": services}


def _implementation(version: Any, where: str) -> dict[str, Any]:
    found = version
    for name in ("implementation", "kong", "service"):
        where = f"{where}.{name}"
        found = found.get(name) if isinstance(found, dict) else None
        if not isinstance(found, dict):
            raise DocumentError([f"{where}: required field missing"])
    return dict(found)

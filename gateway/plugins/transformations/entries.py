# SPDX-License-Identifier: Apache-2.0
"""Entries of transformers: ``name`` and ``name:value``, as their schemas take them."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from gateway.entities.types import invalid, is_reference
from gateway.names.header_texts import is_field_name
from gateway.plugins.transformations.templates import check_template

_ENTRY = re.compile(r"([^:]+):*(.*)", re.DOTALL)


def split(entry: str) -> tuple[str, str]:
    """Return name and value: what is before the first colon, and what is behind it."""
    found = _ENTRY.fullmatch(entry)
    return (found[1], found[2]) if found else (entry, "")


def _check_pair(entry: str) -> str:
    if is_reference(entry):
        # It is looked at when a data plane has its value.
        return entry
    name, value = split(entry)
    if not value:
        raise invalid(f"key '{name}' has no value")
    return entry


def _check_template_pair(entry: str) -> str:
    if is_reference(entry):
        return entry
    problem = check_template(split(_check_pair(entry))[1])
    if problem:
        raise invalid(problem)
    return entry


def _check_header(entry: str) -> str:
    name = split(entry)[0]
    if not is_reference(entry) and not is_field_name(name):
        raise invalid(f"'{name}' is not a valid header")
    return entry


def _check_header_rename(entry: str) -> str:
    if is_reference(entry):
        return entry
    for name in split(_check_pair(entry)):
        _check_header(name)
    return entry


def _check_header_pair(entry: str) -> str:
    return _check_pair(_check_header(entry))


def _check_header_template(entry: str) -> str:
    return _check_template_pair(_check_header(entry))


Pair = Annotated[str, AfterValidator(_check_pair)]
TemplatePair = Annotated[str, AfterValidator(_check_template_pair)]
HeaderEntry = Annotated[str, AfterValidator(_check_header)]
HeaderRename = Annotated[str, AfterValidator(_check_header_rename)]
HeaderPair = Annotated[str, AfterValidator(_check_header_pair)]
HeaderTemplate = Annotated[str, AfterValidator(_check_header_template)]


def entries(description: str) -> Any:
    """Return the field of a list of entries that is empty by default."""
    return Field(default_factory=list, description=description)

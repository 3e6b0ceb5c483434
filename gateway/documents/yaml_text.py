# SPDX-License-Identifier: Apache-2.0
"""YAML of decK files as plain data: what JSON can say, and no more than somebody wrote."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import yaml

from gateway.documents.json_text import load_json
from gateway.errors import DocumentError
from gateway.names.numbers import whole
from gateway.names.property_paths import render_path

MOST_VALUES = 5_000_000
"""Values that a file may have, each alias counted as what it stands for: some lines of aliases of
aliases are billions."""
DEEPEST = 100
"""Levels that maps and lists may be nested in each other; no entity has more than a dozen."""

_TEXT = "tag:yaml.org,2002:str"
_FLOAT = "tag:yaml.org,2002:float"
_EXPONENT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]{1,2}$")
"""YAML 1.2 section 10.3.2, which decK and JSON go by; 1.1 wants a dot and a sign. No more digits:
part of a commit's number is a text."""
_DUPLICATES_ALLOWED = "tag:yaml.org,2002:merge"


def load_yaml(text: str) -> dict[str, Any]:
    """Return the map of a YAML text, empty for an empty text.

    Raises ``DocumentError`` for what is no YAML (with line and column), has a key twice, refers to
    itself, is nested too deep, or has values that JSON does not know. JSON is read as what it is,
    which takes a fraction of the time.
    """
    found = load_json(text, DEEPEST, MOST_VALUES)
    if found is not None:
        return found
    _check_depth(text)
    try:
        raw = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader that refuses duplicates
    except yaml.YAMLError as error:
        raise DocumentError([_problem(error)]) from error
    except (ValueError, LookupError, AttributeError, TypeError) as error:
        # How the parser ends with values that are not what their tags say (!!int x).
        raise DocumentError(["is not YAML: a value is not what its tag (!!…) says"]) from error
    if raw is None:
        return {}
    if not isinstance(raw, dict):
        raise DocumentError(["expected a map with services, routes, plugins, …"])
    _Measure().of(raw)
    plain: dict[str, Any] = _copy(raw, ())
    return plain


class _Loader(yaml.CSafeLoader):
    """A safe loader that refuses a key that stands twice in one map, and leaves dates texts.

    Keys are the texts that somebody wrote: a header may be called `on`, a map have the key `1.0`.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build a map; raises for duplicate keys, which YAML would silently merge."""
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                text = "a key must be a text"
                raise yaml.constructor.ConstructorError(None, None, text, key.start_mark)
            if key.value in seen and key.tag != _DUPLICATES_ALLOWED:
                text = f'the key "{key.value}" stands here twice'
                raise yaml.constructor.ConstructorError(None, None, text, key.start_mark)
            seen.add(key.value)
        # What `<<` brings has keys too, which may not have been read where they stand.
        self.flatten_mapping(node)
        for key, _ in node.value:
            key.tag = _TEXT
        return super().construct_mapping(node, deep)


def _with_exponents(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what plain texts stand for, by their first character, with numbers such as 1e5."""
    firsts = {first: [*known.get(first, ()), (_FLOAT, _EXPONENT)] for first in "-+.0123456789"}
    return {**known, **firsts}


def _construct_number(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> float:
    """Return a whole number as such, however it is written; in the JSON of decK it is one, too."""
    return whole(float(loader.construct_yaml_float(node)))


_Loader.add_constructor(_FLOAT, _construct_number)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
    for first, found in _with_exponents(yaml.CSafeLoader.yaml_implicit_resolvers).items()
}


class _Dumper(yaml.CSafeDumper):
    """Writes texts of several lines as such, and repeats what stands in several places."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write no anchors."""
        return True


# So that a text that looks like such a number is quoted.
_Dumper.yaml_implicit_resolvers = _with_exponents(yaml.CSafeDumper.yaml_implicit_resolvers)


def _represent_text(dumper: yaml.CSafeDumper, text: str) -> yaml.ScalarNode:
    lines = text.split("\n")
    is_block = len(lines) > 1 and all(line.isprintable() for line in lines)
    style = "|" if is_block else None
    return dumper.represent_scalar(_TEXT, text, style=style)


_Dumper.add_representer(str, _represent_text)


def write_yaml(raw: Mapping[str, Any]) -> str:
    """Return a map as YAML that ``load_yaml`` reads as the same."""
    text: str = yaml.dump(raw, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=2**31 - 1)
    return text


class _Measure:
    """How many values there are and how deep; each container is measured once."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int]] = {}

    def of(self, value: Any, depth: int = 0) -> tuple[int, int]:
        """Return the number of values in this one, and its levels; raises ``DocumentError``."""
        if not isinstance(value, (dict, list)):
            return 1, 0
        found = self._known.get(id(value))
        if found is None:
            if depth > DEEPEST:
                # The text was not so deep, so it has an alias of what it stands in.
                raise DocumentError(["a value contains itself, by an anchor and its alias"])
            inner = value.values() if isinstance(value, dict) else value
            sizes = [self.of(one, depth + 1) for one in inner]
            size = 1 + sum(one for one, _ in sizes)
            found = size, 1 + max((levels for _, levels in sizes), default=0)
            self._known[id(value)] = found
        if found[0] > MOST_VALUES:
            raise DocumentError([f"the document has more than {MOST_VALUES} values; split it"])
        if depth + found[1] > DEEPEST + 1:
            raise DocumentError([f"nested deeper than {DEEPEST} levels, by its aliases"])
        return found


def _copy(value: Any, location: tuple[str | int, ...]) -> Any:
    """Copy plain values, each alias by itself; raises ``DocumentError`` for others."""
    if isinstance(value, dict):
        return {str(k): _copy(v, (*location, str(k))) for k, v in value.items()}
    if isinstance(value, list):
        return [_copy(item, (*location, i)) for i, item in enumerate(value)]
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        # Neither the control plane nor a data plane could write it down.
        raise DocumentError([f"{render_path(location)}: a whole number of more than 64 bits"])
    is_number = isinstance(value, float)
    if (is_number and not math.isfinite(value)) or not (
        value is None or isinstance(value, (str, int, float, bool))
    ):
        kind = str(value) if is_number else type(value).__name__
        where = render_path(location)
        raise DocumentError([f"{where}: {kind} is no value of JSON; expected a text or number"])
    return value


def _check_depth(text: str) -> None:
    """Refuse what is nested deeper than the parser, which calls itself, bears."""
    level = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.CollectionStartEvent):
                level += 1
                if level > DEEPEST:
                    raise DocumentError([f"nested deeper than {DEEPEST} levels"])
            elif isinstance(event, yaml.CollectionEndEvent):
                level -= 1
    except yaml.YAMLError as error:
        raise DocumentError([_problem(error)]) from error


def _problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
    return f"is not YAML: {error}"

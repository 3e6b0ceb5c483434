# SPDX-License-Identifier: Apache-2.0
"""Links of plugins to partials as Kong without a database has them: ``plugins_partials``.

decK writes a link within its plugin; Kong's own files have a list of them beside the plugins
(Kong's page "Partials", 3.10). In a document a plugin holds its links.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any

from gateway.documents.tree import CHILDREN
from gateway.entities import ENTITIES
from gateway.entities.partial_links import FIELD, links_of
from gateway.entities.types import UUID
from gateway.names.spelling import choices

COLLECTION = "plugins_partials"


def with_links(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a file with each link in its plugin, and what is wrong with the links."""
    result = dict(raw)
    links = result.pop(COLLECTION, None)
    if links is None:
        return result, []
    if not isinstance(links, list):
        return result, [f"{COLLECTION}: expected a list of links"]
    result = deepcopy(result)
    plugins: dict[str, dict[str, Any]] = {}
    for plugin in _plugins(result, ENTITIES):
        for name in ("instance_name", "id"):
            if isinstance(plugin.get(name), str):
                plugins[plugin[name]] = plugin
    problems = []
    for place, link in enumerate(links):
        problem = _put(link, plugins)
        if problem is not None:
            problems.append(f"{COLLECTION}[{place}]{problem}")
    return result, problems


def _plugins(level: Mapping[str, Any], collections: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the plugins of all levels; what is no list or no entity is told of later."""
    for collection in collections:
        items = level.get(collection)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict):
                if collection == "plugins":
                    yield item
                yield from _plugins(item, CHILDREN[collection])


def _put(link: Any, plugins: Mapping[str, dict[str, Any]]) -> str | None:
    """Put a link into its plugin; return what is wrong with it, behind its place."""
    if not isinstance(link, Mapping):
        return ": expected a map of fields"
    words = {field: _word(link.get(field)) for field in ("plugin", "partial")}
    for field, word in words.items():
        if word is None:
            return f".{field}: required field missing"
    plugin = plugins.get(words["plugin"] or "")
    if plugin is None:
        text = f'"{words["plugin"]}" is not one of the plugins of this file'
        return f".plugin: {text}; {choices(str(words['plugin']), plugins)}"
    if not isinstance(plugin.get(FIELD) or [], list):
        return None  # the plugin says what is wrong
    name = words["partial"] or ""
    made: dict[str, Any] = {"id" if UUID.fullmatch(name) else "name": name}
    if link.get("path") is not None:
        made["path"] = link["path"]
    if made not in links_of(plugin):
        plugin[FIELD] = [*(plugin.get(FIELD) or ()), made]
    return None


def _word(value: Any) -> str | None:
    if isinstance(value, Mapping) and len(value) == 1:
        value = next(iter(value.values()))
    return value if isinstance(value, str) else None

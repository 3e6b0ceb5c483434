# SPDX-License-Identifier: Apache-2.0
"""Write docs/reference from the code that decides: settings, entities, plugins, configuration.

`python -m tools.reference` (`make docs`) writes the pages; ``--check`` only says whether the ones
that are there are those that would be written.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from gateway.entities import ENTITIES
from gateway.entities.base import Entity, EntityType
from gateway.entities.plugin_types import PluginType, plugin_types
from gateway.entities.shape import Shape, shape_of
from gateway.entities.vault_kinds import VAULT_KINDS
from gateway.settings import settings
from tools.access_page import access_page
from tools.markdown import WRITTEN
from tools.markdown import code as _code
from tools.markdown import row as _row
from tools.markdown import table as _table

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
SETTINGS = {
    "gateway/settings/settings.py": "Settings",
    "gateway/settings/postgres.py": "PostgresSettings",
    "gateway/settings/page.py": "PageSettings",
    "gateway/settings/tracing.py": "TracingSettings",
}
COMMON = tuple(Entity.model_fields)
"""Fields of every entity; described once."""

FORMS = {
    "plain": "text",
    "str": "text",
    "switch": "`on`, `off`",
    "origins": "URLs, by commas",
    "receiver": "a URL",
    "pairs": "`name=value`, by commas",
    "hosts": "hosts, by commas",
    "items": "list, by commas",
    "header_words": "list, by commas",
    "networks": "addresses and networks, by commas",
    "labels": "`key:value`, by commas",
    "seconds": "time: `60`, `60s`, `500ms`, `2m`, `1h`",
    "size": "bytes: `512k`, `1m`",
    "workers": "`auto`, or 1 to 256",
    "parse_listen": "`host:port`, by commas, each with `ssl` or not; or `off`",
    "parse_proxy_listen": "`host:port`, by commas, each with `ssl`, `proxy_protocol`, both or "
    "neither; or `off`",
    "host_and_port": "`host:port`",
    "nameservers": "addresses with or without `:port`, by commas",
    "optional_seconds": "time above 0",
}
"""What the text of a setting looks like, by the function that parses it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or check them; 1 when ``--check`` finds one out of date."""
    parser = argparse.ArgumentParser(prog="python -m tools.reference", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, say whether the pages are in step"
    )
    check = parser.parse_args(arguments).check
    stale = []
    for name, text in pages().items():
        file = FOLDER / name
        if file.is_file() and file.read_text() == text:
            continue
        stale.append(file)
        if not check:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    if check and stale:
        names = ", ".join(str(file.relative_to(ROOT)) for file in stale)
        print(f"{names}: not what the code says now; run 'make docs'", file=sys.stderr)
        return 1
    return 0


def pages() -> dict[str, str]:
    """Return the text of every page by file name."""
    made = {
        "settings.md": settings_page(),
        "entities.md": entities_page(),
        "plugins.md": plugins_page(),
        "vaults.md": vaults_page(),
        "config.md": config_page(),
        "access.md": access_page(),
        **{f"plugins/{name}.md": plugin_page(plugin) for name, plugin in plugin_types().items()},
    }
    return {name: "\n".join(lines).rstrip() + "\n" for name, lines in made.items()}


# --- settings ---------------------------------------------------------------------------------


def settings_page() -> Iterator[str]:
    """Yield the settings in the sections of their source."""
    yield "# Settings"
    yield ""
    yield WRITTEN.format(source=" and ".join(SETTINGS))
    yield ""
    yield (
        "Of `kafka-gateway run` and `check`: environment variables, or the same names in lower "
        "case, without `KONG_`, in a kong.conf. The environment wins. Certificates and keys are "
        "paths or PEM text. An unknown name is a warning that names the nearest one."
    )
    for source, name in SETTINGS.items():
        for section, fields in _sections((ROOT / source).read_text().splitlines(), name):
            table = _table("variable", "form", "default", "what it does")
            yield from ["", f"## {section}", "", *table]
            for field, text in fields:
                yield _setting(field, text)


def _sections(lines: list[str], name: str) -> Iterator[tuple[str, list[tuple[ast.AnnAssign, str]]]]:
    """Yield heading and fields with their docstrings; a comment above a field is a heading."""
    tree = ast.parse("\n".join(lines))
    body = next(
        node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name
    )
    heading = ""
    fields: list[tuple[ast.AnnAssign, str]] = []
    for place, node in enumerate(body):
        if not isinstance(node, ast.AnnAssign):
            continue
        above = lines[node.lineno - 2].strip()
        if above.startswith("#"):
            if fields:
                yield heading, fields
            heading, fields = above.strip("# ."), []
        fields.append((node, _docstring(body[place + 1])))
    yield heading, fields


def _docstring(node: ast.stmt) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return " ".join(str(node.value.value).split()).replace("``", "`")
    return ""


def _setting(field: ast.AnnAssign, text: str) -> str:
    assert isinstance(field.target, ast.Name)
    assert isinstance(field.value, ast.Call)
    call = field.value
    if call.args:
        form, default = _form(call.args[0]), _constant(call.args[1])
    else:
        form, default = "text", ""
    shown = _code(default) if default else ""
    return _row(_code(settings.env_name(field.target.id)), form, shown, text)


def _constant(value: ast.expr) -> str:
    """Return a text that is written out, or that a constant of the module stands for."""
    if isinstance(value, ast.Name):
        return str(vars(settings)[value.id])
    return str(ast.literal_eval(value))


def _form(parse: ast.expr) -> str:
    """Return how the text looks that a parser takes: ``word("a", "b")`` is one of two words."""
    if isinstance(parse, ast.Name):
        return FORMS[parse.id]
    assert isinstance(parse, ast.Call)
    assert isinstance(parse.func, ast.Name)
    name = parse.func.id
    if name == "word":
        words = [word for item in parse.args for word in _words(item)]
        return ", ".join(_code(word) for word in words if word)
    if name == "count":
        low, high = (ast.literal_eval(item) for item in parse.args)
        return f"{low} to {high}"
    return FORMS[name]


def _words(item: ast.expr) -> Sequence[str]:
    """Return a word that is written out, or those of a constant of the module."""
    if isinstance(item, ast.Starred):
        assert isinstance(item.value, ast.Name)
        words: Sequence[str] = vars(settings)[item.value.id]
        return words
    return [ast.literal_eval(item)]


# --- entities and plugins ---------------------------------------------------------------------


def entities_page() -> Iterator[str]:
    """Yield every entity with its fields."""
    yield "# Entities"
    yield ""
    yield WRITTEN.format(source="the models in gateway/entities")
    yield ""
    yield (
        "What a routes file and the Admin API hold. A field that says `vault` may be a reference "
        "such as `{vault://env/NAME}`, which only the data plane resolves. "
        'The Admin API shows a foreign key as `{"id": …}`.'
    )
    yield ""
    yield "Every entity has:"
    yield ""
    yield from _fields_table(_only(shape_of(Entity), COMMON))
    for entity in ENTITIES.values():
        yield from ["", f"## {entity.collection}", "", _about(entity), ""]
        own = [name for name in entity.model.model_fields if name not in COMMON]
        yield from _fields_table(_only(shape_of(entity.model), own))


def _about(entity: EntityType) -> str:
    summary = (entity.model.__doc__ or "").strip().splitlines()[0]
    parts = [summary]
    if entity.endpoint_key:
        parts.append(f"Found by `id` or `{entity.endpoint_key}`.")
    if entity.parents:
        inside = ", ".join(f"`{entity.foreign[field]}`" for field in entity.parents)
        parts.append(f"In a routes file it may stand inside {inside}.")
    unique = [" + ".join(f"`{name}`" for name in group) for group in entity.unique]
    if unique:
        parts.append(f"Unique: {', '.join(unique)}.")
    return " ".join(parts)


def vaults_page() -> Iterator[str]:
    """Yield every kind of vault with its settings."""
    yield "# Vaults"
    yield ""
    yield WRITTEN.format(source="gateway/entities/vault_kinds.py")
    yield ""
    yield (
        "The `config` of a vault, by its `name`. Without a vault in the configuration, "
        "`KONG_VAULT_HCV_HOST` is the field `host` of the kind `hcv`, and so on. "
        "How secrets are referred to: [vaults](../vaults.md)."
    )
    for name, model in VAULT_KINDS.items():
        summary = (model.__doc__ or "").strip().splitlines()[0]
        yield from ["", f"## {name}", "", summary, ""]
        yield from _fields_table(shape_of(model).fields or {})


def plugins_page() -> Iterator[str]:
    """Yield the list of installed plugins, in the order in which they run."""
    yield "# Plugins"
    yield ""
    yield WRITTEN.format(source="gateway/plugins")
    yield ""
    yield "A plugin with a higher priority runs earlier. Each page has an example and all fields."
    yield ""
    yield from _table("plugin", "priority", "version", "what it does")
    for plugin in sorted(plugin_types().values(), key=lambda one: -one.priority):
        link = f"[{plugin.name}](plugins/{plugin.name}.md)"
        yield _row(link, str(plugin.priority), plugin.version, _summary(plugin))


def plugin_page(plugin: PluginType) -> Iterator[str]:
    """Yield a plugin with its example and the fields of its ``config``."""
    folder = plugin.folder.relative_to(ROOT)
    yield f"# {plugin.name}"
    yield ""
    yield WRITTEN.format(source=f"{folder}/")
    yield ""
    protocols = ", ".join(f"`{name}`" for name in plugin.protocols)
    scopes = ["service", "route", "consumer"]
    allowed = ", ".join(f"`{scope}`" for scope in scopes if not plugin.refuses(scope))
    yield f"{_summary(plugin)} Priority {plugin.priority}; protocols {protocols}; scopes {allowed}."
    yield from ["", "```yaml", (plugin.folder / "example.yaml").read_text().rstrip(), "```", ""]
    yield from _fields_table(shape_of(plugin.schema).fields or {})


def _summary(plugin: PluginType) -> str:
    return (plugin.schema.__doc__ or "").strip().splitlines()[0]


def _only(shape: Shape, names: Sequence[str]) -> dict[str, Shape]:
    return {name: found for name, found in (shape.fields or {}).items() if name in names}


def _fields_table(fields: dict[str, Shape]) -> list[str]:
    heads = _table("field", "type", "default", "what it is")
    return [*heads, *_field_rows(fields, "")]


def _field_rows(fields: dict[str, Shape], before: str) -> Iterator[str]:
    """Yield a row for each field, and for the fields of records in it by their paths."""
    for name, field in fields.items():
        yield _row(_code(before + name), _type(field), _default(field), field.description)
        inner, path = field, before + name
        while inner.elements is not None:
            inner, path = inner.elements, path + ("[]" if inner.type != "map" else ".*")
        if inner.fields:
            yield from _field_rows(inner.fields, f"{path}.")


def _type(field: Shape) -> str:
    if field.reference:
        text = f"one of `{field.reference}`"
    elif field.one_of:
        text = ", ".join(_code(value) for value in field.one_of)
    elif field.elements is not None:
        text = f"{field.type} of {_type(field.elements)}"
    else:
        text = "object" if field.type == "any" else field.type
    if field.low is not None and field.high is not None:
        text += f", {field.low:.0f} to {field.high:.0f}"
    elif field.low is not None:
        text += f", from {field.low:.0f}"
    return text + (", vault" if field.has("referenceable") else "")


def _default(field: Shape) -> str:
    if field.required:
        return "**needed**"
    if field.has("auto"):
        return "made up"
    # The fields of a record are listed with their own defaults.
    if not field.has_default or field.type == "record":
        return ""
    return _code(field.default)


# --- the program's configuration --------------------------------------------------------------


def config_page() -> Iterator[str]:
    """Yield the keys of Pulumi.yaml."""
    yield "# Configuration of a stack"
    yield ""
    yield WRITTEN.format(source="Pulumi.yaml")
    yield ""
    yield (
        "Keys of `stacks/Pulumi.<stack>.yaml`, below `config:` with `kafka-gateway:` before "
        "them; `pulumi config set KEY VALUE` writes them (`--secret` for secrets, `--path` "
        "inside lists and objects). An unknown key is an error at preview."
    )
    yield ""
    yield from _table("key", "type", "default", "what it is")
    project = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())
    for key, declared in project["config"].items():
        default = declared.get("default")
        shown = "" if default in ("", None) else _code(default)
        kind = declared["type"]
        if kind == "array":
            kind = f"list of {declared['items']['type']}s"
        yield _row(_code(key), kind, shown, declared["description"])


if __name__ == "__main__":
    sys.exit(main())

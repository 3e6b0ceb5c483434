# SPDX-License-Identifier: Apache-2.0
"""Make one pull-request comment of the previews of several stacks.

``tools/preview_comment dev=dev.json prod=prod.json --output comment.md`` reads what
`pulumi preview --json` printed for each stack. Beside a document ``dev.json`` it looks for
``dev.log`` (what the command wrote to stderr), ``dev.exit`` (its exit code) and ``dev.policies``,
so that a preview that failed before it could print JSON is reported too: tools/preview_stack
writes all of them.

What would be lost comes first. Details fold away, and are shortened to fit GitHub's limit.
"""

from __future__ import annotations

import argparse
import html
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.preview_document import ACTIONS, Change, Preview, Property, read_preview

MARKER = "<!-- kafka-gateway: preview -->"
"""By this line a workflow finds the comment that it edits."""
LIMIT = 65_536
"""GitHub refuses a longer comment; counted here in bytes, which is never less than characters."""
SYMBOLS = {"replace": "±", "delete": "-", "update": "~", "create": "+", "import": "="}
PROPERTIES_SHOWN = 12
ERROR_LENGTH = 4_000
LOSSES_SHOWN = 30
WARNINGS_SHOWN = 5


def comment(previews: Sequence[Preview], limit: int = LIMIT) -> str:
    """Return the comment's Markdown, at most ``limit`` bytes of it."""
    rows = max((len(preview.changes) for preview in previews), default=0)
    while True:
        text = "\n".join(_lines(previews, rows)) + "\n"
        if len(text.encode()) <= limit:
            return text
        if rows == 0:
            return _cut(text, limit)
        # Halving finds the longest tables that fit, within a factor of two, in a few rounds.
        rows //= 2


def _cut(text: str, limit: int) -> str:
    note = "\n\n… cut here: the rest is longer than a comment may be.\n"
    return text.encode()[: limit - len(note.encode())].decode(errors="ignore") + note


def _lines(previews: Sequence[Preview], rows: int) -> Iterator[str]:
    yield MARKER
    yield "## Preview"
    yield ""
    yield from _losses(previews)
    yield from _overview(previews)
    for preview in previews:
        yield ""
        yield f"### {text(preview.stack)}"
        yield ""
        yield from _section(preview, rows)


def _losses(previews: Sequence[Preview]) -> Iterator[str]:
    losses = [(preview, change) for preview in previews for change in preview.losses]
    if not losses:
        return
    yield "> [!CAUTION]"
    yield "> **Stateful resources would be replaced or deleted. What they hold is lost.**"
    yield ">"
    for preview, change in losses[:LOSSES_SHOWN]:
        verb = "**REPLACED**" if change.action == "replace" else "**DELETED**"
        guard = " (protected: the update will refuse)" if change.protected else ""
        because = ", ".join(code(item.path) for item in change.properties if item.replaces)
        reason = f", because of {because}" if because else ""
        yield f"> - {text(preview.stack)}: {verb} {_resource(change)}{reason}{guard}"
    if len(losses) > LOSSES_SHOWN:
        yield f"> - … and {len(losses) - LOSSES_SHOWN} more"
    yield ""


def _overview(previews: Sequence[Preview]) -> Iterator[str]:
    yield "| environment | create | update | replace | delete | unchanged | |"
    yield "|---|--:|--:|--:|--:|--:|---|"
    for preview in previews:
        counts = preview.counts
        cells = [
            str(counts.get("create", 0) + counts.get("import", 0)),
            *(str(counts.get(action, 0)) for action in ("update", "replace", "delete")),
            str(preview.unchanged),
        ]
        numbers = " | ".join("·" if cell == "0" else cell for cell in cells)
        yield f"| {text(preview.stack)} | {numbers} | {_verdict(preview)} |"


def _verdict(preview: Preview) -> str:
    if preview.failed:
        return "**the preview failed**"
    if preview.losses:
        return "**would lose data**"
    if preview.refused:
        return "**refused by a policy**"
    return "" if preview.changes else "nothing to do"


def _section(preview: Preview, rows: int) -> Iterator[str]:
    if preview.failed:
        yield "**The preview failed.** What would happen to this environment is not known:"
        yield ""
        for error in preview.errors[:3]:
            yield from _fenced(error)
        if len(preview.errors) > 3:
            yield f"… and {len(preview.errors) - 3} more errors."
        yield ""
    if "[mandatory]" in preview.policies or "[advisory]" in preview.policies:
        yield "**Policies:**" if not preview.refused else "**Policies refuse this:**"
        yield ""
        yield from _fenced(preview.policies)
        yield ""
    for warning in preview.warnings[:WARNINGS_SHOWN]:
        yield f"- Warning: {text(warning.splitlines()[0])[:300]}"
    if preview.warnings:
        yield ""
    if preview.changes:
        yield from _table(preview, rows)
    elif not preview.failed:
        count = f"{preview.unchanged} resources are" if preview.unchanged else "Everything is"
        yield f"Nothing to do: {count} as the program wants them."


def _fenced(message: str) -> Iterator[str]:
    message = message if len(message) <= ERROR_LENGTH else f"{message[:ERROR_LENGTH]}…"
    # The fence must be longer than any in the message, or the message could end it.
    longest = max((len(run) for run in re.findall(r"`+", message)), default=0)
    fence = "`" * max(3, longest + 1)
    yield fence + "text"
    yield message
    yield fence


def _table(preview: Preview, rows: int) -> Iterator[str]:
    counts = [
        f"{preview.counts[action]} to {action}" for action in ACTIONS if preview.counts.get(action)
    ]
    shown = preview.changes[:rows]
    opened = " open" if len(preview.changes) <= 10 else ""
    yield f"<details{opened}><summary>{', '.join(counts)}</summary>"
    yield ""
    if shown:
        yield "| | resource | properties |"
        yield "|---|---|---|"
    for change in shown:
        cells = f"{SYMBOLS[change.action]} {change.action} | {_resource(change)}"
        yield f"| {cells} | {_properties(change)} |"
    left = len(preview.changes) - len(shown)
    if left:
        yield ""
        yield f"… and {left} more, left out to keep the comment within its size limit."
    yield ""
    yield "</details>"


def _resource(change: Change) -> str:
    return f"{code(change.name)} {text(short_type(change.type))}"


def short_type(token: str) -> str:
    """Return a type token without the middle that repeats it: ``aws:ec2/vpc:Vpc`` is aws Vpc."""
    parts = token.split(":")
    return f"{parts[0]} {parts[-1]}" if len(parts) > 1 else token


def _properties(change: Change) -> str:
    shown = [_property(item) for item in change.properties[:PROPERTIES_SHOWN]]
    left = len(change.properties) - len(shown)
    return "<br>".join([*shown, *([f"… and {left} more"] if left else [])])


def _property(item: Property) -> str:
    if item.kind == "add":
        value = f": + {code(item.new)}" if item.new else " added"
    elif item.kind == "delete":
        value = f": - {code(item.old)}" if item.old else " removed"
    elif item.old == item.new:
        # Both sides of a changed secret print alike; the path still says which.
        value = f": {code(item.new)} changed" if item.new else " changed"
    else:
        value = f": {code(item.old or 'unset')} → {code(item.new or 'unset')}"
    return f"{code(item.path)}{value}{' **forces replacement**' if item.replaces else ''}"


def code(value: str) -> str:
    """Return ``value`` as a code span that can break out neither of it nor of a table cell."""
    plain = " ".join(value.replace("`", "'").split())
    return f"`{plain}`".replace("|", "\\|") if plain else "` `"


def text(value: str) -> str:
    """Return ``value`` as plain text: no markup, no table cells, no mentions."""
    escaped = html.escape(" ".join(value.split()), quote=False)
    escaped = re.sub(r"([\\`*_\[\]|#~])", r"\\\1", escaped)
    return escaped.replace("@", "@<!-- -->")


def _load(argument: str) -> Preview:
    stack, _, name = argument.partition("=")
    file = Path(name)
    if not stack or not name:
        raise SystemExit(f"{argument!r} is not STACK=FILE, for example dev=dev.json")
    code_file = file.with_suffix(".exit")
    exit_text = code_file.read_text().strip() if code_file.exists() else "0"
    exit_code = int(exit_text) if exit_text.isdigit() else 1
    log_file = file.with_suffix(".log")
    log = log_file.read_text(errors="replace") if log_file.exists() else ""
    document = file.read_text(errors="replace") if file.exists() else ""
    policies_file = file.with_suffix(".policies")
    policies = policies_file.read_text(errors="replace") if policies_file.exists() else ""
    return read_preview(stack, document, log, exit_code, policies)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the comment; always 0, since a comment on a failed preview is a success."""
    parser = argparse.ArgumentParser(prog="tools/preview_comment", description=__doc__)
    parser.add_argument("previews", nargs="+", metavar="STACK=FILE")
    parser.add_argument("--output", type=Path, help="where to write it (standard output without)")
    parser.add_argument("--limit", type=int, default=LIMIT, help="bytes, at most GitHub's limit")
    chosen = parser.parse_args(arguments)
    made = comment([_load(item) for item in chosen.previews], min(chosen.limit, LIMIT))
    if chosen.output:
        chosen.output.write_text(made)
    else:
        sys.stdout.write(made)
    return 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""Read what `pulumi preview --json` says: which resources change, in which properties, what failed.

The document holds ``steps`` (op, urn, oldState, newState, diffReasons, replaceReasons,
detailedDiff), ``diagnostics`` and ``changeSummary``. A replacement is three steps of one resource;
here it is one `Change`. Values that are secret never leave this module: neither those the engine
marks, nor those whose property name or content says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.names.property_paths import parse_path, value_at

SECRET = "[secret]"  # noqa: S105 - what the engine prints in a secret's place
KNOWN_LATER = "(known after apply)"
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key of the wrapper around assets and secrets in serialised state (Pulumi's own constant)."""
UNKNOWN = re.compile(r"04da6b54-80e4-46f7-96ec-b56ff0331ba9")
"""What an unknown string looks like in a preview."""
ACTIONS = ("replace", "delete", "update", "create", "import")
"""What can happen to a resource, the gravest first."""
OPERATIONS = {
    "create": "create",
    "update": "update",
    "delete": "delete",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
    "import": "import",
    "import-replacement": "replace",
}
SENSITIVE_NAME = re.compile(
    r"(?i)(secret|password|passphrase|token|private_?key|credential|kubeconfig|api_?key|\.key\b"
    r"|key_?pem|keyring)"
)
SENSITIVE_TEXT = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bkpat_\w+")
STATEFUL_TYPES = (
    "confluentcloud:index/environment:Environment",
    "confluentcloud:index/kafkaCluster:KafkaCluster",
    "confluentcloud:index/kafkaTopic:KafkaTopic",
    "aws:ec2/vpc:Vpc",
    "aws:eks/cluster:Cluster",
    "eks:index:Cluster",
    "gateway:kafka:Topic",
    "gateway:konnect:ControlPlane",
    "kubernetes:core/v1:Namespace",
    "kubernetes:core/v1:PersistentVolumeClaim",
)
"""What holds records, addresses or other people's work: losing it is not undone by another `up`."""
CHANGES_FOUND = 7
"""Pulumi's exit code for changes where --expect-no-changes was given: drift, not a failure."""
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|<\{%[a-z ]*%\}>")


@dataclass(frozen=True)
class Property:
    """One property that changes: where, how, and from what to what, secrets masked."""

    path: str
    kind: str
    old: str
    new: str
    replaces: bool


@dataclass(frozen=True)
class Change:
    """One resource and what would happen to it."""

    urn: str
    action: str
    protected: bool
    properties: tuple[Property, ...]

    @property
    def name(self) -> str:
        """The resource's name."""
        return self.urn.rsplit("::", 1)[-1]

    @property
    def type(self) -> str:
        """The resource's type token, without its parents' types."""
        return self.urn.split("::")[2].split("$")[-1] if self.urn.count("::") > 2 else ""

    @property
    def stateful(self) -> bool:
        """Whether losing it loses something: by its type, or because it is protected."""
        return self.protected or self.type in STATEFUL_TYPES


@dataclass(frozen=True)
class Preview:
    """One stack's preview."""

    stack: str
    changes: tuple[Change, ...] = ()
    unchanged: int = 0
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    policies: str = ""
    """What the policy pack said, as text; empty when it was not asked."""

    @property
    def refused(self) -> bool:
        """Whether a mandatory policy is against it: an update would not be let through."""
        return "[mandatory]" in self.policies

    @property
    def failed(self) -> bool:
        """Whether the preview ended with an error, so that its changes are incomplete."""
        return bool(self.errors)

    @property
    def losses(self) -> tuple[Change, ...]:
        """Stateful resources that would be replaced or deleted."""
        grave = ("replace", "delete")
        return tuple(item for item in self.changes if item.stateful and item.action in grave)


def read_preview(
    stack: str, text: str, log: str = "", exit_code: int = 0, policies: str = ""
) -> Preview:
    """Return the preview in ``text``; ``log`` is what the command wrote to stderr.

    A document that is cut off or no JSON at all is a failed preview, never an exception: the
    comment is wanted most when something went wrong.
    """
    try:
        document = json.loads(text)
    except ValueError:
        said = clean(log) or clean(text) or f"pulumi ended with code {exit_code} and said nothing"
        return Preview(stack, errors=(said,))
    if not isinstance(document, dict):
        return Preview(stack, errors=("the document is not one of `pulumi preview --json`",))
    diagnostics = list(_diagnostics(document))
    errors = [message for severity, message in diagnostics if severity == "error"]
    changes = read_changes(document.get("steps") or [])
    if exit_code == CHANGES_FOUND and changes:
        errors = []
    elif exit_code and not errors and "[mandatory]" not in policies:
        errors = [clean(log) or f"pulumi ended with code {exit_code}"]
    return Preview(
        stack=stack,
        changes=changes,
        unchanged=int((document.get("changeSummary") or {}).get("same", 0)),
        errors=tuple(errors),
        warnings=tuple(message for severity, message in diagnostics if severity == "warning"),
        counts={action: sum(c.action == action for c in changes) for action in ACTIONS},
        policies=clean(policies),
    )


def read_changes(steps: Sequence[Mapping[str, Any]]) -> tuple[Change, ...]:
    """Return one change a resource, the gravest first, in the document's order otherwise."""
    merged: dict[str, list[Mapping[str, Any]]] = {}
    for step in steps:
        if step.get("op") in OPERATIONS:
            merged.setdefault(step["urn"], []).append(step)
    changes = [_change(urn, group) for urn, group in merged.items()]
    return tuple(sorted(changes, key=lambda change: ACTIONS.index(change.action)))


def clean(text: str) -> str:
    """Return a message without terminal colours, and with secrets of a known form masked."""
    return SENSITIVE_TEXT.sub(SECRET, ANSI.sub("", text)).strip()


def _change(urn: str, steps: Sequence[Mapping[str, Any]]) -> Change:
    actions = {OPERATIONS[step["op"]] for step in steps}
    action = min(actions, key=ACTIONS.index)
    if actions == {"create", "delete"}:
        action = "replace"
    protected = any((step.get("oldState") or {}).get("protect") for step in steps)
    found: dict[str, Property] = {}
    for step in steps:
        for item in _properties(step) if action in ("update", "replace") else ():
            found.setdefault(item.path, item)
    return Change(urn, action, protected, tuple(sorted(found.values(), key=_gravest_first)))


def _gravest_first(item: Property) -> tuple[bool, str]:
    return not item.replaces, item.path


def _properties(step: Mapping[str, Any]) -> Iterator[Property]:
    old = (step.get("oldState") or {}).get("inputs") or {}
    new = (step.get("newState") or {}).get("inputs") or {}
    detailed = step.get("detailedDiff") or {}
    reasons = set(step.get("replaceReasons") or [])
    paths = list(detailed or step.get("diffReasons") or [])
    paths += sorted(reasons - {_top(path) for path in paths} - set(paths))
    for path in paths:
        kind = str((detailed.get(path) or {}).get("kind", "update"))
        yield Property(
            path=path,
            kind=kind.removesuffix("-replace"),
            old=shown(path, _at(old, path)),
            new=shown(path, _at(new, path)),
            replaces=kind.endswith("-replace") or path in reasons or _top(path) in reasons,
        )


def _top(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def _at(value: Any, path: str) -> Any:
    try:
        return value_at(value, parse_path(path))
    except ValueError:
        return None  # A path of another provider that no path is.


def shown(path: str, value: Any, limit: int = 60) -> str:
    """Return ``value`` as one short line, masked when its name or its content is secret."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    if SECRET in text or SIGNATURE in text or SENSITIVE_NAME.search(path):
        return SECRET
    # A mapping may hold something secret deeper down, under a name of its own.
    if SENSITIVE_TEXT.search(text) or (isinstance(value, dict | list) and _hides(value)):
        return SECRET
    if UNKNOWN.search(text):
        return KNOWN_LATER
    if isinstance(value, float) and value.is_integer():
        text = str(int(value))
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _hides(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(SENSITIVE_NAME.search(str(key)) or _hides(item) for key, item in value.items())
    return isinstance(value, list) and any(_hides(item) for item in value)


def _diagnostics(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for item in document.get("diagnostics") or []:
        message = clean(str(item.get("message", "")))
        message = re.sub(r"^(error|warning): ", "", message)
        if message:
            name = str(item.get("urn") or "").rsplit("::", 1)[-1]
            yield str(item.get("severity", "")), f"{name}: {message}" if name else message

# SPDX-License-Identifier: Apache-2.0
"""Reads configuration values by key, with errors that name key, value and what is allowed."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pulumi
import yaml

from components.config.secret import Secret
from gateway.names.addresses import token_problem, url_problem
from gateway.names.spelling import choices

PROJECT_FILE = Path(__file__).resolve().parents[2] / "Pulumi.yaml"
SECRETS = (
    "adminToken",
    "clusterPrivateKeyPem",
    "kafkaApiSecret",
    "kafkaReaderSecret",
    "konnectToken",
    "kubeconfig",
    "secrets",
)
"""Keys that must not stand in clear in a file that is committed."""
WHOLE = re.compile(r"-?[0-9]{1,18}")
_NOT_SHOWN = "cannot be used, and is secret, so not shown; its description says what it may be"
URL = re.compile(r"^https?://[^/\s]+/?$")


class ConfigError(pulumi.RunError):
    """The stack's configuration cannot be used; the text lists every problem, one a line."""

    def __init__(self, problems: Sequence[str], stack: str) -> None:
        self.problems = list(problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"stacks/Pulumi.{stack}.yaml cannot be used:\n{lines}")


class ConfigReader:
    """Collects problems while values are taken; ``done`` raises them all at once.

    ``values`` are the project's keys without the project name, as the engine hands them over:
    text, with lists, objects, numbers and booleans as JSON. What is not among them has the default
    that Pulumi.yaml declares. ``encrypted`` names those that stand encrypted in the stack's file;
    without it, that is not looked at.
    """

    def __init__(
        self, stack: str, values: Mapping[str, str], encrypted: Collection[str] | None = None
    ) -> None:
        self.stack = stack
        self.problems: list[str] = []
        self._values = {key: default_text(key) for key in declared()} | dict(values)
        self._hidden = {*SECRETS, *(encrypted or ())}
        self._refuse_unknown_keys()
        if encrypted is not None:
            self._refuse_clear_secrets(encrypted)

    @classmethod
    def of_this_run(cls) -> ConfigReader:
        """Read what the engine gave this program."""
        prefix = pulumi.get_project() + ":"
        given: dict[str, str] = json.loads(os.environ.get("PULUMI_CONFIG", "{}"))
        values = {k.removeprefix(prefix): v for k, v in given.items() if k.startswith(prefix)}
        hidden: list[str] = json.loads(os.environ.get("PULUMI_CONFIG_SECRET_KEYS", "[]"))
        encrypted = {key.removeprefix(prefix) for key in hidden}
        for key in sorted(encrypted & set(declared()) - set(SECRETS)):
            pulumi.warn(f"{key} is encrypted, but is no secret here: previews and states show it")
        return cls(pulumi.get_stack(), values, encrypted)

    def done(self) -> None:
        """Raise ``ConfigError`` if anything was wrong."""
        if self.problems:
            raise ConfigError(self.problems, self.stack)

    def problem(self, key: str, text: str, *, harmless: bool = False) -> None:
        """Note that the value of ``key`` cannot be used; ``text`` says why and what is allowed.

        Of what is a secret, or stands encrypted in the stack's file, nothing is shown, unless the
        text is ``harmless``: it would be the same for any other value that is wrong in this way.
        """
        root = re.split(r"[.\[]", key)[0]
        if root in self._hidden and not harmless and self._values.get(root):
            key, text = root, _NOT_SHOWN
        self._note(key, text)

    def _note(self, key: str, text: str) -> None:
        """Keep a problem that may be shown."""
        if (line := f"{key}: {text}") not in self.problems:
            self.problems.append(line)

    def text(self, key: str) -> str:
        """Return a text."""
        return self._values[key]

    def choice(self, key: str, allowed: Sequence[str]) -> str:
        """Return one of ``allowed``."""
        value = self._values[key]
        if value not in allowed:
            self.problem(key, f"{value!r} is not one of {', '.join(allowed)}")
            return allowed[0]
        return value

    def integer(self, key: str, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``."""
        given = self._values[key]
        if not WHOLE.fullmatch(given):
            self.problem(key, f"{given!r} is not a whole number from {low} to {high}")
            return low
        value = int(given)
        if not low <= value <= high:
            self.problem(key, f"{value} is not a whole number from {low} to {high}")
            return low
        return value

    def boolean(self, key: str) -> bool:
        """Return true or false."""
        value = self._values[key]
        if value not in ("true", "false"):
            self.problem(key, f"{value!r} is neither true nor false")
            value = default_text(key)
        return value == "true"

    def structure(self, key: str) -> Any:
        """Return a list or an object, whichever the key is declared to be."""
        given, default = self._values[key], declared()[key]["default"]
        try:
            value = json.loads(given)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, type(default)):
            kind = "list" if isinstance(default, list) else "mapping"
            self.problem(key, f"{given!r} is not a {kind}")
            return default
        return value

    def needed(self, key: str, why: str) -> str:
        """Return a text that must be there; ``why`` says what for."""
        value = self.text(key)
        if not value:
            self.problem(key, f"missing; {why}")
        return value

    def secret(self, key: str, why: str) -> Secret:
        """Return a secret text that must be there."""
        hint = f"set it with `pulumi config set --secret {key}`"
        return Secret(self.needed(key, f"{why}: {hint}"))

    def token(self, key: str, why: str) -> Secret:
        """Return a secret text that must be there, and that requests show."""
        if problem := token_problem(self.text(key)):
            self.problem(key, problem, harmless=True)
        return self.secret(key, why)

    def texts(self, key: str) -> Mapping[str, str]:
        """Return a mapping of texts, sorted by name."""
        given = self.structure(key)
        for name, value in given.items():
            if not isinstance(value, str):
                self.problem(f"{key}.{name}", f"{value!r} is not a text")
        return {name: str(value) for name, value in sorted(given.items())}

    def items(self, key: str) -> tuple[str, ...]:
        """Return a list of texts."""
        return tuple(str(item) for item in self.structure(key))

    def url(self, key: str, value: str) -> str:
        """Return the address ``value`` of ``key`` without a slash at its end, or nothing."""
        if value and not URL.match(value):
            self.problem(key, f"{value!r} is no address such as https://admin.example.com")
        elif value and (problem := url_problem(value)):
            self.problem(key, problem)
        return value.rstrip("/")

    def has(self, key: str) -> bool:
        """Tell whether the key has a value that is not empty."""
        return bool(self._values[key])

    def _refuse_unknown_keys(self) -> None:
        allowed = declared()
        for key in sorted(set(self._values) - set(allowed)):
            text = f"unknown key; {choices(key, sorted(allowed))}"
            self.problem(key, text, harmless=True)

    def _refuse_clear_secrets(self, encrypted: Collection[str]) -> None:
        for key in SECRETS:
            if self._values[key] != default_text(key) and key not in encrypted:
                command = f"pulumi config set --secret {key} --stack {self.stack}"
                text = f"in clear, in a file that is committed; make a new one: `{command}`"
                self.problem(key, text, harmless=True)


@functools.cache
def declared() -> Mapping[str, Mapping[str, Any]]:
    """Return the keys that Pulumi.yaml declares with type, default and description.

    It is the one place that says which keys there are and what they are when nothing is said.
    """
    project = yaml.load(PROJECT_FILE.read_text(), Loader=yaml.CSafeLoader)
    keys: Mapping[str, Mapping[str, Any]] = project["config"]
    return keys


def default_text(key: str) -> str:
    """Return a key's default as the engine hands it over."""
    default = declared()[key]["default"]
    return default if isinstance(default, str) else json.dumps(default)

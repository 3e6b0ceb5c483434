# SPDX-License-Identifier: Apache-2.0
"""From the rows of vaults, and from the environment, to what can be asked for secrets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway.entities.problems import problems_of
from gateway.entities.vault_kinds import VAULT_KINDS
from gateway.errors import UnresolvedReference, VaultError
from gateway.vaults.aws import SecretsManager
from gateway.vaults.backend import Backend, Surroundings
from gateway.vaults.hashicorp import VaultServer
from gateway.vaults.local import Environment, Files
from gateway.vaults.references import resolve

_BACKENDS: dict[str, Callable[[Any, Surroundings], Backend]] = {
    "env": Environment,
    "file": Files,
    "hcv": VaultServer,
    "aws": SecretsManager,
}
_VARIABLE = "KONG_VAULT_"
_OPTIONS = frozenset({"ttl", "neg_ttl", "resurrect_ttl", "prefix", "mount", "kv", "base64_decode"})
"""Options of a reference. Others, above all a host, would let it send credentials elsewhere."""


def backend(kind: str, config: Any, surroundings: Surroundings) -> Backend:
    """Return a vault to fetch from. Raises ``VaultError``."""
    return _BACKENDS[kind](config, surroundings)


def configured(
    name: str,
    rows: Mapping[str, Mapping[str, Any]],
    options: Mapping[str, str],
    environment: Mapping[str, str],
) -> tuple[str, Any]:
    """Return kind and settings of the vault that a reference names.

    ``rows`` are the vaults of the configuration by prefix, ``options`` those of the reference.
    Without a row of that prefix the name is a kind, whose settings are in the environment:
    ``KONG_VAULT_HCV_HOST``. Raises ``VaultError``.
    """
    row = rows.get(name)
    kind = name if row is None else str(row["name"])
    model = VAULT_KINDS.get(kind)
    if model is None:
        known = ", ".join([*rows, *VAULT_KINDS])
        text = f"vaults of the kind {kind} cannot be asked" if row else f"there is no vault {name}"
        raise VaultError(f"{text}; there are {known}")
    given = _of_environment(kind, model, environment) if row is None else dict(row["config"] or {})
    given = {name: value for name, value in given.items() if value is not None}
    refused = sorted(set(options) - _OPTIONS)
    if refused:
        allowed = ", ".join(sorted(_OPTIONS))
        raise VaultError(f"it cannot have the option {refused[0]}; allowed: {allowed}")
    try:
        # References in a vault's own settings are to the node: no vault waits for another.
        found = resolve(given, environment) | _texts(model, options)
        return kind, model.model_validate(found, strict=False)
    except UnresolvedReference as error:
        raise VaultError(f"its settings hold {', '.join(error.references)}") from None
    except ValidationError as error:
        problems = "; ".join(item.sentence() for item in problems_of(error, model))
        raise VaultError(f"its settings are wrong: {problems}") from None


def _of_environment(
    kind: str, model: type[BaseModel], environment: Mapping[str, str]
) -> dict[str, str]:
    prefix = f"{_VARIABLE}{kind.upper()}_"
    return _texts(
        model,
        {
            name.removeprefix(prefix).lower(): text
            for name, text in environment.items()
            if name.startswith(prefix) and text
        },
    )


def _texts(model: type[BaseModel], given: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in given.items() if name in model.model_fields}

# SPDX-License-Identifier: Apache-2.0
"""``gateway:index:Credential``: a random key and secret, kept until its keepers change."""

from __future__ import annotations

import secrets
import string

from provider.diff import PropertyChange, changes_between
from provider.resource import Resource, ResourceCall, State
from provider.resource_types import CredentialType
from provider.values import Properties

_KEY_ALPHABET = string.ascii_uppercase + string.digits
_KEY_LENGTH = 16
# Letters and digits only: the secret goes into JAAS lines, URLs and environment files.
_SECRET_ALPHABET = string.ascii_letters + string.digits


class Credential(Resource):
    """A key, ``<prefix>-<16 characters>``, and a secret."""

    schema = CredentialType
    import_refusal = "a credential cannot be imported: its secret is kept nowhere else"

    def edits(self, state: State, news: Properties) -> list[PropertyChange]:
        """Every edit asks for a new key."""
        return changes_between(state.inputs, news, replacing=self.schema.inputs)

    def make(self, call: ResourceCall, inputs: Properties) -> tuple[str, Properties]:
        """Make a key and a secret of ``length`` characters."""
        prefix = f"{inputs['prefix']}-" if inputs["prefix"] else ""
        key = prefix + _random(_KEY_ALPHABET, _KEY_LENGTH)
        outputs = {**inputs, "key": key, "secret": _random(_SECRET_ALPHABET, inputs["length"])}
        return call.derived_id, outputs

    def update(self, call: ResourceCall, state: State, news: Properties) -> Properties:
        """Nothing can be updated; the key stays."""
        return {**state.outputs, **news}


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))

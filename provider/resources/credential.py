# SPDX-License-Identifier: Apache-2.0
"""``gateway:index:Credential``: a random key and secret, kept until its keepers change."""

from __future__ import annotations

import secrets
import string

from gateway.errors import ResourceError
from provider.diff import Change, changes_between
from provider.fields import anything, integer, mapping, text
from provider.resource import Call, Resource, State
from provider.values import UNKNOWN, Properties

_KEY_ALPHABET = string.ascii_uppercase + string.digits
_KEY_LENGTH = 16
# Letters and digits only: the secret goes into JAAS lines, URLs and environment files.
_SECRET_ALPHABET = string.ascii_letters + string.digits


class Credential(Resource):
    """Outputs: the inputs, ``key`` (``<prefix>-<16 characters>``) and ``secret``."""

    token = "gateway:index:Credential"  # noqa: S105 - a type token
    fields = {
        "prefix": text(default=""),
        "length": integer(default=32, minimum=16, maximum=256),
        "keepers": mapping(anything(), {}),
    }
    secrets = (("secret",),)

    def diff(self, call: Call, state: State, news: Properties) -> list[Change]:
        """Every edit asks for a new key; nothing else ever does."""
        return changes_between(state.inputs, news, replacing=self.fields)

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Make a key and a secret of ``length`` characters."""
        if call.preview:
            return "", {**inputs, "key": UNKNOWN, "secret": UNKNOWN}
        prefix = f"{inputs['prefix']}-" if inputs["prefix"] else ""
        key = prefix + _random(_KEY_ALPHABET, _KEY_LENGTH)
        outputs = {**inputs, "key": key, "secret": _random(_SECRET_ALPHABET, inputs["length"])}
        return call.derived_id, outputs

    def read(self, call: Call, state: State) -> State | None:
        """It exists nowhere but in the state."""
        if "secret" not in state.outputs:
            raise ResourceError("a credential cannot be imported: its secret is kept nowhere else")
        return state

    def update(self, call: Call, state: State, news: Properties) -> Properties:
        """Nothing can be updated; the key stays."""
        return {**state.outputs, **news}

    def delete(self, call: Call, state: State) -> None:
        """Forgetting it is all there is."""


def _random(alphabet: str, length: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))

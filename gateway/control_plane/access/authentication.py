# SPDX-License-Identifier: Apache-2.0
"""Who has sent a token: the one of the settings, or one of those in the database.

Looking one up reads no database: what is kept there is also in memory.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable
from dataclasses import replace

from gateway.control_plane.access.certificates import certificate_names
from gateway.control_plane.access.identity import ROLES, AdminIdentity
from gateway.control_plane.access.sent_token import SentToken
from gateway.control_plane.access.tokens import AdminToken, digest_of
from gateway.http.wrong_tokens import WrongTokens

CONFIGURED, NOBODY = "admin token", "no token"
"""Names of who has the token of the settings, and of callers where none is asked for."""


class Authentication:
    """The tokens that are valid. Lives on one event loop; nothing here blocks."""

    def __init__(self, configured: str | None = None) -> None:
        self.wrong = WrongTokens()
        """What others cost that were sent, on whichever listener."""
        self._configured: bytes | None = None
        self._edition = 0
        self.changes = 0
        """Another number after each change of the tokens of the database."""
        self._tokens: dict[bytes, AdminToken] = {}
        self._used: dict[str, int] = {}
        self.replace(configured)

    @property
    def required(self) -> bool:
        """Whether callers need a token: when one is configured, or one has ever been made.

        So the last token's end does not open the API to everybody.
        """
        return self._configured is not None or bool(self._tokens)

    def replace(self, configured: str | None) -> None:
        """Use another token of the settings from now on; None for none."""
        digest = None if configured is None else digest_of(configured.encode())
        if digest != self._configured:
            self._configured = digest
            self._edition += 1

    def take(self, tokens: Iterable[AdminToken]) -> None:
        """Know these tokens of the database, valid or not, instead of those before.

        What was noted after they were read would be forgotten: ``changes`` tells of it.
        """
        self._tokens = {one.digest: one for one in tokens}
        self.changes += 1

    def note(self, token: AdminToken) -> None:
        """Know a token that was made or changed."""
        self._tokens[token.digest] = token
        self.changes += 1

    def forget(self, token: AdminToken) -> None:
        """Know a token no longer: it was removed."""
        self._tokens.pop(token.digest, None)
        self.changes += 1

    @property
    def tokens(self) -> list[AdminToken]:
        """All tokens of the database, the oldest first, valid or not."""
        return list(self._tokens.values())

    def last_used(self, token: AdminToken) -> int | None:
        """Return when a token was used last, in seconds since 1970."""
        return self._used.get(token.id, token.last_used)

    def take_used(self) -> dict[str, int]:
        """Return when tokens were used since the last call, by their ids."""
        used, self._used = self._used, {}
        for token in self.tokens if used else ():
            if token.id in used:
                self._tokens[token.digest] = replace(token, last_used=used[token.id])
        return used

    def authenticate(self, token: str | bytes) -> AdminIdentity | None:
        """Return who has this token; None when it is none of ours, expired or revoked.

        In constant time: what is compared are digests, of which a caller knows nothing.
        """
        digest = digest_of(token.encode() if isinstance(token, str) else token)
        if self._configured is not None and hmac.compare_digest(digest, self._configured):
            return AdminIdentity(CONFIGURED, frozenset(ROLES), key=f"{CONFIGURED} {self._edition}")
        found = self._tokens.get(digest)
        if found is None or found.state != "active":
            return None
        self._used[found.id] = int(time.time())
        return found.identity

    def identify(self, sent: SentToken | None) -> AdminIdentity | None:
        """Return who has sent a token; with Basic its user must be the token's, or empty."""
        if sent is None:
            return None
        found = self.authenticate(sent.token)
        if found is None or sent.user in ("", found.name):
            return found
        return None

    def of_certificate(self, certificate: bytes | None) -> AdminIdentity | None:
        """Return who shows a certificate (DER): the first active token that it names."""
        names = () if certificate is None else certificate_names(certificate)
        for name in names:
            for token in self._tokens.values():
                if token.name == name and token.state == "active":
                    self._used[token.id] = int(time.time())
                    return token.identity
        return None

    def anybody(self) -> AdminIdentity:
        """Return who a caller without a token is, where none is asked for."""
        return AdminIdentity(NOBODY, frozenset(ROLES), key=NOBODY, proven=False)

    def is_valid(self, identity: AdminIdentity) -> bool:
        """Tell whether the token is still valid that an identity came with."""
        if not identity.proven:
            return not self.required
        if identity.name == CONFIGURED:
            return self._configured is not None and identity.key == f"{CONFIGURED} {self._edition}"
        return any(
            one.id == identity.key and one.state == "active" for one in self._tokens.values()
        )

# SPDX-License-Identifier: Apache-2.0
"""HashiCorp Vault over its HTTP API: secrets engines KV 1 and 2, and three ways to log in.

Sources: HashiCorp's API pages "KV secrets engine" (v1, v2), "AppRole", "Kubernetes", "Token" and
"/sys/wrapping/unwrap".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from gateway.entities.vault_kinds import HashicorpVault
from gateway.errors import SecretMissing, VaultError
from gateway.vaults.backend import FetchedSecret, Surroundings, read_file
from gateway.vaults.http_json import VaultApi

_SERVICE_ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount/token"
_RENEW_AFTER = 2 / 3
"""Of a token's life: what is left is for vaults that are unreachable then."""
_AGAIN = 5.0
"""Seconds until a failed renewal is tried again."""

_REASONS = {
    400: "refuses the request",
    403: "permission denied",
    429: "is a standby that answers no reads",
    472: "is a secondary for disaster recovery",
    473: "is a performance standby",
    501: "is not initialized",
    503: "is sealed or being maintained",
}


@dataclass
class _Token:
    """A token, and when to renew it: monotonic seconds, None for never."""

    text: str = field(repr=False)
    renew_at: float | None = None
    renewable: bool = False
    own: bool = False
    """Whether it came from logging in, so that another one can be had."""


class VaultServer:
    """One vault with its token."""

    def __init__(
        self,
        config: HashicorpVault,
        surroundings: Surroundings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._folders = surroundings.folders
        host = f"[{config.host}]" if ":" in config.host else config.host
        self._name = f"{config.protocol}://{host}:{config.port}"
        self._api = VaultApi(self._name, surroundings.trusted_ca)
        self._clock = clock
        self._token: _Token | None = None
        self._secret_id: str | None = None
        self._lock = threading.Lock()

    def fetch(self, resource: str, key: str | None, version: int | None) -> FetchedSecret:
        """See ``Backend``."""
        config, path = self._config, quote(resource.strip("/"))
        mount = quote(config.mount.strip("/"))
        newer = config.kv == "v2"
        url = f"/v1/{mount}/data/{path}" if newer else f"/v1/{mount}/{path}"
        if newer and version is not None:
            url += f"?version={version}"
        body = self._read(url, resource)
        data = body.get("data")
        if newer and isinstance(data, Mapping):
            data = data.get("data")
        if not isinstance(data, Mapping):
            raise SecretMissing(f"{self._name} has no secret {resource}")
        leased = body.get("lease_duration") if body.get("lease_id") else None
        return FetchedSecret(
            data, float(leased) if isinstance(leased, (int, float)) and leased else None
        )

    def tend(self) -> float | None:
        """Renew the token when it is time to."""
        with self._lock:
            token = self._token
            if token is None or token.renew_at is None:
                return None
            if self._clock() >= token.renew_at:
                try:
                    self._renew(token)
                except VaultError:
                    token.renew_at = self._clock() + _AGAIN
            found = self._token
            if found is None or found.renew_at is None:
                return None
            return max(found.renew_at - self._clock(), 0.0)

    def _read(self, url: str, resource: str) -> Mapping[str, Any]:
        token = self._access()
        status, body = self._call("GET", url, token=token.text)
        if status == 403 and token.own:
            # Expired or revoked: log in once more before that counts as a refusal.
            status, body = self._call("GET", url, token=self._access(instead_of=token).text)
        if status == 404:
            raise SecretMissing(f"{self._name} has no secret {resource}")
        if status != 200:
            raise self._refusal(status, resource)
        return body

    # --- tokens ------------------------------------------------------------------------------

    def _access(self, instead_of: _Token | None = None) -> _Token:
        with self._lock:
            if self._token is None or self._token is instead_of:
                self._token = None
                self._token = self._log_in()
            return self._token

    def _log_in(self) -> _Token:
        config = self._config
        if config.auth_method == "token":
            return self._given_token(config.token or "")
        if config.auth_method == "kubernetes":
            path = config.kube_auth_path
            file = config.kube_api_token_file or _SERVICE_ACCOUNT
            shown = {"role": config.kube_role, "jwt": read_file(file, self._folders)}
        else:
            path = config.approle_auth_path
            shown = {"role_id": config.approle_role_id, "secret_id": self._own_secret_id()}
        status, body = self._call("POST", f"/v1/auth/{quote(path.strip('/'))}/login", shown)
        if status != 200:
            raise self._refusal(status, f"the login by {config.auth_method}")
        return self._token_of(body.get("auth"), own=True)

    def _given_token(self, text: str) -> _Token:
        """Look at the token: one that ends and can be renewed is. Not all may look."""
        status, body = self._call("GET", "/v1/auth/token/lookup-self", token=text)
        data = body.get("data") if status == 200 else None
        if not isinstance(data, Mapping):
            return _Token(text)
        shown = {"lease_duration": data.get("ttl"), "renewable": data.get("renewable")}
        return self._token_of({"client_token": text, **shown}, own=False)

    def _own_secret_id(self) -> str:
        config = self._config
        if self._secret_id is not None:
            return self._secret_id
        if config.approle_secret_id_file is not None:
            found = read_file(config.approle_secret_id_file, self._folders)
        else:
            found = config.approle_secret_id or ""
        if not config.approle_response_wrapping:
            return found
        status, body = self._call("POST", "/v1/sys/wrapping/unwrap", token=found)
        data = body.get("data")
        if status != 200 or not isinstance(data, Mapping) or not data.get("secret_id"):
            raise self._refusal(status, "to unwrap the secret id")
        # A wrapping token is good for one time: what was in it is kept.
        self._secret_id = str(data["secret_id"])
        return self._secret_id

    def _renew(self, token: _Token) -> None:
        """Renew, or log in anew where that does not help. Raises ``VaultError``."""
        if token.renewable:
            status, body = self._call("POST", "/v1/auth/token/renew-self", {}, token.text)
            if status == 200:
                self._token = self._token_of(body.get("auth"), own=token.own)
                return
        if token.own:
            self._token = self._log_in()
        else:
            token.renew_at = None

    def _token_of(self, auth: Any, *, own: bool) -> _Token:
        if not isinstance(auth, Mapping) or not isinstance(auth.get("client_token"), str):
            raise VaultError(f"{self._name} answered a login without a token")
        life = auth.get("lease_duration")
        renewable = bool(auth.get("renewable"))
        renew_at = None
        if isinstance(life, (int, float)) and life > 0 and (renewable or own):
            renew_at = self._clock() + life * _RENEW_AFTER
        return _Token(auth["client_token"], renew_at, renewable, own)

    # --- HTTP --------------------------------------------------------------------------------

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, token: str = ""
    ) -> tuple[int, Mapping[str, Any]]:
        headers = {"X-Vault-Request": "true"}
        if token:
            headers["X-Vault-Token"] = token
        if self._config.namespace is not None:
            headers["X-Vault-Namespace"] = self._config.namespace
        return self._api.request(method, path, body, headers)

    def _refusal(self, status: int, what: str) -> VaultError:
        reason = _REASONS.get(status, f"answered {status}")
        return VaultError(f"{self._name} does not give {what}: {reason} ({status})")

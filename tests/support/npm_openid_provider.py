# SPDX-License-Identifier: Apache-2.0
"""A real OpenID provider as a process: oidc-provider of npm, installed on demand below .tools."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from joserfc import jwk

from tests.support.npm import npm_packages
from tests.support.ports import free_ports
from tests.support.traffic import succeeds
from tests.support.waiting import eventually

PACKAGE = "oidc-provider@8.8.1"


def installed() -> Path:
    """Return the folder of the provider's program; skip the test where there is no npm."""
    folder = npm_packages("openid-provider", "against a real OpenID provider", PACKAGE)
    script = Path(__file__).with_name("openid_provider.mjs")
    shutil.copy(script, folder / script.name)
    return folder


def new_key(kid: str) -> dict[str, Any]:
    """Make a private key for the provider."""
    return {**jwk.RSAKey.generate_key(2048).as_dict(private=True), "kid": kid, "use": "sig"}


class NpmOpenIdProvider:
    """Starts and stops on one port, so that it can come back with other keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (self._port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *keys: dict[str, Any]) -> None:
        """Start with these keys; the first signs."""
        arguments = ["node", "openid_provider.mjs", str(self._port), json.dumps(keys)]
        with (self._folder / "provider.log").open("ab") as log:
            self._process = subprocess.Popen(arguments, cwd=self._folder, stdout=log, stderr=log)
        ready = "/.well-known/openid-configuration"
        eventually(lambda: succeeds(self._port, ready))

    def stop(self) -> None:
        """Stop it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    async def post(self, path: str, **form: str) -> dict[str, Any]:
        """Post a form as the client ``shop``; return the object of the response."""
        proof = base64.b64encode(b"shop:shop-secret").decode()
        headers = {
            "Authorization": f"Basic {proof}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + path, data=urlencode(form), headers=headers) as response,
        ):
            body = await response.read()
            assert response.status == 200, body
            found: dict[str, Any] = json.loads(body or b"{}")
            return found

    async def token(self, scope: str = "orders", *, opaque: bool = False) -> str:
        """Fetch a token: a JSON Web Token for the resource, or an opaque one."""
        more = {} if opaque else {"resource": "urn:orders"}
        form = {"grant_type": "client_credentials", "scope": scope, **more}
        return str((await self.post("/token", **form))["access_token"])


@contextmanager
def npm_openid_provider() -> Iterator[NpmOpenIdProvider]:
    """Give a provider that is not started, and stop it at the end."""
    provider = NpmOpenIdProvider(installed())
    try:
        yield provider
    finally:
        provider.stop()

# SPDX-License-Identifier: Apache-2.0
"""What a registry is shown without a token; tokens are in ``test_client.py``."""

from __future__ import annotations

import base64

from gateway.plugins.produce.registry.authentication import RegistryAuthenticator
from gateway.plugins.produce.registry.settings import RegistryAuthentication


async def test_nothing_is_shown_where_nothing_is_configured() -> None:
    assert await RegistryAuthenticator(None, None).headers() == {}


async def test_user_and_password_become_basic_credentials() -> None:
    config = RegistryAuthentication.model_validate(
        {"mode": "basic", "basic": {"username": "ann", "password": "päss"}}
    )
    headers = await RegistryAuthenticator(config, None).headers()
    kind, credentials = headers["Authorization"].split()
    assert (kind, base64.b64decode(credentials).decode()) == ("Basic", "ann:päss")

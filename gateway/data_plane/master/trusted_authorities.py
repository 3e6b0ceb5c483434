# SPDX-License-Identifier: Apache-2.0
"""The authorities that ``lua_ssl_trusted_certificate`` names, as one file: librdkafka takes one."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

from gateway.atomic_file import write_atomically
from gateway.errors import SettingsError
from gateway.pem import SYSTEM, read_pem
from gateway.settings.settings import Settings, env_name


def trusted_bundle(settings: Settings, prefix: Path) -> str | None:
    """Return the path of the bundle, None when the system's authorities alone are trusted.

    The name holds a digest of the content, so that changed authorities are another configuration
    to all that compare. Raises ``SettingsError``.
    """
    sources = settings.lua_ssl_trusted_certificate
    if set(sources) <= {SYSTEM}:
        return None
    texts = [_system() if source == SYSTEM else _read(source) for source in sources]
    content = "".join(text.rstrip() + "\n" for text in texts if text).encode()
    file = prefix / f"trusted-{hashlib.sha256(content).hexdigest()[:16]}.pem"
    if not file.exists():
        for old in prefix.glob("trusted-*.pem"):
            old.unlink(missing_ok=True)
        write_atomically(file, content)
    return str(file)


def _read(source: str) -> str:
    return read_pem(source, env_name("lua_ssl_trusted_certificate"))


def _system() -> str:
    """Return the system's bundle; on a system without one there is nothing to add."""
    file = Path(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt")
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""
    except OSError as error:
        name = env_name("lua_ssl_trusted_certificate")
        raise SettingsError(f"{name}: cannot read {file}: {error.strerror}") from None

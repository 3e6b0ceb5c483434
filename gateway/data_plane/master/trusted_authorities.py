# SPDX-License-Identifier: Apache-2.0
"""The authorities that ``lua_ssl_trusted_certificate`` names, as one file: librdkafka takes one.

Kong's guides have data planes trust the certificate that they show the control plane
(``lua_ssl_trusted_certificate=cluster.crt``, or the ``tls.crt`` of Konnect's first generation), and
Kong 3.10 does not verify brokers unless told to. It vouches for no broker, and this gateway
verifies all of them: where nothing else is named, the system's authorities are trusted as well.
"""

from __future__ import annotations

import hashlib
import re
import ssl
from collections.abc import Sequence
from pathlib import Path

from gateway.atomic_file import write_atomically
from gateway.errors import SettingsError
from gateway.logs import get_logger
from gateway.pem import SYSTEM, add_authorities, read_pem
from gateway.settings.settings import Settings, env_name

_SETTING = env_name("lua_ssl_trusted_certificate")
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
_log = get_logger("gateway.master")


def trusted_sources(settings: Settings) -> tuple[str, ...]:
    """Return what brokers and upstreams are verified with: ``system``, paths, PEM text.

    That is the setting, and ``system`` before it where all that it names is the node's own
    certificate. Raises ``SettingsError`` for what cannot be read.
    """
    sources = settings.lua_ssl_trusted_certificate
    if _only(sources, settings.cluster_cert, "cluster_cert"):
        return (SYSTEM, *sources)
    return sources


def trust_warning(settings: Settings) -> str:
    """Return why brokers may be refused, with the remedy; empty where nothing speaks for it."""
    sources = settings.lua_ssl_trusted_certificate
    if settings.role == "control_plane" or SYSTEM in sources or not sources:
        return ""
    if _only(sources, settings.cluster_cert, "cluster_cert"):
        return (
            f"{_SETTING}: nothing but this node's own certificate, {env_name('cluster_cert')}, "
            "which vouches for no Kafka broker and no upstream: the system's authorities are "
            "trusted as well; set system, and behind a comma the authority of brokers that have "
            "one of their own"
        )
    if _only(sources, settings.cluster_ca_cert, "cluster_ca_cert"):
        return (
            f"{_SETTING}: nothing but the cluster's authority, {env_name('cluster_ca_cert')}: "
            "Kafka brokers and upstreams of any other are refused; put system, in front for those "
            "that are publicly trusted, as Confluent Cloud's are"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        for source in sources:
            add_authorities(context, _read(source))
    except ssl.SSLError:
        return f"{_SETTING}: no certificates in it that can be read; give PEM"
    if not context.get_ca_certs():
        return (
            f"{_SETTING}: none of its certificates is an authority's: Kafka brokers and upstreams "
            "are refused that show another; name their authority, or system for those that are "
            "publicly trusted"
        )
    return ""


def tell_trust(settings: Settings) -> None:
    """Say in the log what brokers and upstreams are verified with, and what speaks against it."""
    named = [source if len(source) < 256 else "(PEM)" for source in trusted_sources(settings)]
    named = ["(PEM)" if "-----BEGIN " in source else source for source in named]
    _log.info("Kafka brokers and upstreams are verified", trusted=named)
    if warning := trust_warning(settings):
        _log.warning("trust", problem=warning)


def trusted_bundle(settings: Settings, prefix: Path) -> str | None:
    """Return the path of the bundle, None when the system's authorities alone are trusted.

    The name holds a digest of the content, so that changed authorities are another configuration
    to all that compare. Raises ``SettingsError``.
    """
    sources = trusted_sources(settings)
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


def _only(sources: Sequence[str], known: str | None, setting: str) -> bool:
    """Tell whether all certificates of ``sources`` are among those of another setting."""
    if not sources or known is None or SYSTEM in sources:
        return False
    named = [one for source in sources for one in _certificates(_read(source))]
    return bool(named) and set(named) <= set(_certificates(read_pem(known, env_name(setting))))


def _certificates(pem: str) -> list[str]:
    """Return the certificates of a PEM text (RFC 7468), however their lines are broken."""
    return ["".join(text.split()) for text in _CERTIFICATE.findall(pem)]


def _read(source: str) -> str:
    return read_pem(source, _SETTING)


def _system() -> str:
    """Return the system's bundle; on a system without one there is nothing to add."""
    file = Path(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt")
    try:
        return file.read_text()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise SettingsError(f"{_SETTING}: cannot read {file}: {error.strerror}") from None

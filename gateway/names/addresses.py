# SPDX-License-Identifier: Apache-2.0
"""Addresses and names as people write them: telling what cannot be right, with the remedy.

Plain functions from text to what is wrong with it, an empty string when nothing is. What passes
may still lead nowhere; what does not could never have led anywhere.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

LONGEST_TOPIC = 249
"""Letters of a topic name: ``Topic.MAX_NAME_LENGTH`` in Apache Kafka."""
_LONGEST_HOST = 253
_SHOWN = 80

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+._-]*)://")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_WITH_PORT = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*):(?P<port>[0-9]*)")
_NOT_IN_TOPICS = re.compile(r"[^a-zA-Z0-9._-]")


def is_address(text: str) -> bool:
    """Tell whether a text is an IPv4 or IPv6 address, without brackets or port."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def topic_problem(name: str) -> str:
    """Return what is wrong with a topic's name.

    The rule is that of ``Topic.validate`` in Apache Kafka: 1 to 249 of the letters
    ``[a-zA-Z0-9._-]``, neither ``.`` nor ``..``.
    """
    if not name.strip():
        return "must not be empty; name the topic"
    if name != name.strip():
        return f"'{_cut(name)}' begins or ends with a blank; write '{_cut(name.strip())}'"
    odd = _NOT_IN_TOPICS.search(name)
    if odd is not None:
        return (
            f"'{_cut(name)}' is no topic name, Kafka allows no {_letter(odd[0])} in it; "
            "use letters (a-z, A-Z), digits, '.', '_' and '-'"
        )
    if name in (".", ".."):
        return f"'{name}' is no topic name; Kafka allows any but '.' and '..'"
    if len(name) > LONGEST_TOPIC:
        return f"has {len(name)} letters; Kafka allows {LONGEST_TOPIC}, use a shorter name"
    return ""


def host_problem(host: str) -> str:
    """Return what is wrong with a host that is to be connected to: a name or an address alone."""
    if not host.strip():
        return "must not be empty; name a host or an address"
    if "@" in host:
        return "has an @ in it; credentials do not belong into a host"
    bare = host.strip()
    if bare != host or any(letter.isspace() for letter in bare):
        remedy = f"; write '{bare}'" if len(bare.split()) == 1 else "; name one host"
        return f"'{_cut(host)}' has blanks in it{remedy}"
    if _SCHEME.match(host):
        return f"'{_cut(without_userinfo(host))}' is a URL; write {_alone(host)}"
    if "," in host:
        return f"'{_cut(host)}' names several hosts; give each an entry of its own"
    found = _WITH_PORT.fullmatch(host)
    if found is not None:
        return f"'{_cut(host)}' has a port in it; write {_alone(host)}"
    if "/" in host:
        return f"'{_cut(host)}' has a path in it; write {_alone(host)}"
    return "" if _is_host(host) else f"'{_cut(host)}' is neither a host name nor an address"


def port_problem(port: int) -> str:
    """Return what is wrong with a port that is to be connected to."""
    if not 1 <= port <= 65535:
        return f"{port} is no port to connect to; give one from 1 to 65535"
    return ""


def server_problem(server: str, *, scheme: str = "", bare: bool = False) -> str:
    """Return what is wrong with ``host:port`` or ``[v6]:port``.

    ``scheme``: one that may stand before it, as some show their addresses. ``bare``: whether a
    host without a port is one too.
    """
    if scheme and server.upper().startswith(f"{scheme}://"):
        server = server[len(scheme) + 3 :]
    found = _WITH_PORT.fullmatch(server)
    if found is None:
        problem = host_problem(server)
        if problem or bare:
            return problem
        return f"'{_cut(server)}' is not host:port; add the port"
    problem = host_problem(found["host"])
    if problem:
        return problem
    return port_problem(int(found["port"][:6] or 0))


def bare_host(host: str) -> str:
    """Return a host as connections take it: an IPv6 address without brackets.

    Kong takes addresses in either form wherever it takes a host.
    """
    return host.strip("[]")


def split_server(server: str, *, scheme: str = "") -> tuple[str, int]:
    """Return host and port of ``host:port``; an address in brackets is given without them.

    Raises ``ValueError`` with what is wrong.
    """
    problem = server_problem(server, scheme=scheme)
    if problem:
        raise ValueError(problem)
    host, _, port = server.rpartition("://")[2].rpartition(":")
    return bare_host(host), int(port)


def url_problem(url: str, *, credentials: bool = False, query: bool = False) -> str:
    """Return what is wrong with an ``http`` or ``https`` URL.

    ``credentials`` and ``query``: whether it may hold a user with a password, or a query.
    """
    shown = _cut(without_userinfo(url))
    if not url.strip():
        return "must not be empty; give a URL that begins with http:// or https://"
    if url != url.strip() or any(letter.isspace() or letter < " " for letter in url):
        return f"'{shown}' has blanks in it; write them as %20, or leave them out"
    if not url.lower().startswith(("http://", "https://")):
        return f"'{shown}' must begin with http:// or https://"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return f"'{shown}' has no port from 1 to 65535, or no host; write https://host:port/path"
    if "@" in parts.netloc and not credentials:
        return "holds a user or password; set the fields for credentials instead"
    problem = host_problem(host or "")
    if problem:
        return f"'{shown}' has no usable host: {problem}"
    if port == 0:
        return f"'{shown}': {port_problem(0)}"
    if parts.fragment or (parts.query and not query):
        return f"'{shown}' has a {'#' if parts.fragment else '?'} in it; give the address without"
    return ""


def token_problem(token: str) -> str:
    """Return why no request can show a token, in words without it."""
    if token.isascii() and token.isprintable():
        return ""
    return "has characters that no header can have, such as a line end; set it without them"


def without_userinfo(url: str) -> str:
    """Return a URL as it may be shown: without user and password."""
    head, separator, rest = url.partition("://")
    if not separator:
        head, rest = "", url
    authority, slash, path = rest.partition("/")
    return head + separator + authority.rpartition("@")[2] + slash + path


def _is_host(host: str) -> bool:
    if is_address(host) or (
        host[:1] + host[-1:] == "[]" and ":" in host and is_address(host[1:-1])
    ):
        return True
    labels = host.removesuffix(".").split(".")
    if len(host) > _LONGEST_HOST or not all(map(_LABEL.fullmatch, labels)):
        return False
    # Numbers alone are meant as an IPv4 address, and this is none.
    return not all(label.isdigit() for label in labels)


def _alone(host: str) -> str:
    """Return the remedy for a host that has more with it."""
    scheme, separator, rest = without_userinfo(host).rpartition("://")
    rest = re.split(r"[/,?#]", rest, maxsplit=1)[0]
    found = _WITH_PORT.fullmatch(rest)
    name, port = (found["host"], found["port"]) if found is not None else (rest, "")
    if not name or not _is_host(name):
        return "the host's name alone"
    text = (
        f"'{_cut(name)}' as the host" if not port else f"'{_cut(name)}' as host and {port} as port"
    )
    if separator and scheme.upper().startswith("SASL"):
        text += ", and set TLS and SASL in the settings for them"
    return text


def _letter(letter: str) -> str:
    return "blank" if letter.isspace() else f"'{letter}'" if letter.isprintable() else repr(letter)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

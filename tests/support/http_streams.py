# SPDX-License-Identifier: Apache-2.0
"""Streams of HTTP requests of every kind, good and bad, and ways to cut them; made from a seed."""

from __future__ import annotations

from itertools import pairwise
from random import Random

TUNNEL = b"/tunnel"
"""A target whose handshake is followed."""

_METHODS = [b"GET", b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"QUERY"]
_OTHER_METHODS = [b"PGET", b"CUSTOM", b"M-SEARCH", b"G", b"DESCRIBE", b"SOURCE", b"PRI", b"GET_X"]
_NO_METHODS = [b"get", b"G\x01T", b"(", b"", b"X" * 40, b"TRACE", b"CONNECT", b"\x16\x03\x01"]
_TARGETS = [b"/", b"/a", b"/open/x?y=1", b"/a/b%2Fc", b"/?n=M\xc3\xbcller", b"/%C3%BC", b"//x"]
_TARGETS += [b"http://a/x", b"HTTP://A?q", b"https://a", b"/\xe6\x97\xa5", TUNNEL]
_NO_TARGETS = [b"*", b"a:1", b"/#x", b"/\xff", b"http://b/", b"http://u@a/", b"x", b"/a b", b"/\t"]
_NO_VERSIONS = [b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"RTSP/1.0", b"RTSP/1.1", b"ICE/1.0", b""]
_NO_VERSIONS += [b"http/1.1", b"HTTP/1.10", b"HTTP/01.1", b"HTTP/1", b"HTTP/1.1 ", b"HTTPS/1.1"]
_HEADERS = [b"X: y", b"Accept: */*", b"apikey: alice", b"apikey:bob ", b"X-Long: " + b"v" * 90]
_HEADERS += [b"X:", b"X: \xff\t.", b"Upgrade: websocket", b"Cookie: a=b; c", b"Keep-Alive: 5"]
_HEADERS += [b"Connection: keep-alive", b"connection: Keep-Alive , x", b"Connection: Upgrade"]
_HEADERS += [b"Proxy-Connection: keep-alive", b"Trailer: T", b"TE: trailers", b"Content-Type: a/b"]
_HEADERS += [b"Connection:\tkeep-alive\t", b"Upgrade:\twebsocket\t"]
_LAST = [
    b"Connection: close",
    b"Connection:\tclose\t",
    b"Connection: keep-alive, close",
    b"Proxy-Connection: close",
]
_LAST += [b"Connection: Upgrade\r\nUpgrade: h2c", b"Connection: upgrade\r\nUpgrade: websocket"]
_BAD_HEADERS = [b"Host: b", b"Host : a", b" folded", b"X y", b": y", b"X\x00: y", b"X: \x01", b"X"]
_BAD_HEADERS += [b"Content-Length: 3, 3", b"Content-Length: +3", b"Content-Length: -1", b"X: \r."]
_BAD_HEADERS += [b"Content-Length:", b"Content-Length: 0x3", b"Transfer-Encoding: gzip, chunked"]
_BAD_HEADERS += [b"Transfer-Encoding: identity", b"Transfer-Encoding:\x0bchunked", b"X: y\nZ: 1"]
_BAD_HEADERS += [b"Expect: 200-ok", b"Transfer-Encoding:", b"X\xff: y", b"Content-Length: 3 3"]
_BODIES = [b"", b"x", b"abc", b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", b"0\r\n\r\n", b"\r\n"]
_BODIES += [b"y" * 64, b"\x00\xff" * 9, b"HEAD /open/x HTTP/1.1\r\nHost: a\r\n\r\n" * 2]
_EXTENSIONS = [b""] * 6 + [b";x=y", b";", b';q="a b"']
_TRAILERS = [b""] * 6 + [b"T: u\r\n", b"Host: c\r\n", b"Content-Length: 9\r\nX: y\r\n"]
_BAD_SIZES = [b"3 ", b"-3", b"0x3", b"", b"g", b"3\n", b" 3", b"f" * 17, b"3;\x01", b"+3"]
_JUNK = [b"\r", b"\n", b"\x00", b" ", b"\t", b":", b"\xff", b"0", b"G", b"\r\n", b"\r\n\r\n", b"H"]


def stream(random: Random) -> bytes:
    """Make the bytes of one connection."""
    messages: list[bytes] = []
    for _ in range(random.choice((1, 2, 2, 3, 3, 4, 6))):
        if messages and random.random() < 0.3:
            messages.append(random.choice(messages))
        else:
            messages.append(message(random))
    data = b"".join(messages)
    if random.random() < 0.12:
        at = random.randrange(len(data) + 1)
        junk = random.choice(_JUNK) if random.random() < 0.6 else random.randbytes(1)
        data = data[:at] + junk + data[at + random.randrange(3) :]
    if random.random() < 0.15:
        data = data[: random.randrange(len(data) + 1)]
    return data


def message(random: Random) -> bytes:
    """Make one request; about one in ten is bad."""
    method = random.choice(_METHODS if random.random() < 0.85 else _OTHER_METHODS)
    target, version = random.choice(_TARGETS), b"HTTP/1.1"
    headers = random.choices(_HEADERS, k=random.choice((0, 0, 1, 1, 2, 4)))
    headers.append(random.choice((b"Host: a", b"host:a")))
    body = b""
    kind = random.random()
    if kind < 0.25:
        headers, body = _with_length(random, headers)
    elif kind < 0.45:
        headers, body = _in_chunks(random, headers)
    elif kind < 0.5:
        headers.append(b"Content-Length: 0")
    if random.random() < 0.08:
        headers.append(b"Expect: 100-continue")
    if random.random() < 0.06:
        headers.append(random.choice(_LAST))
    if random.random() < 0.04:
        method, target = b"GET", TUNNEL
        headers.append(b"Connection: Upgrade\r\nUpgrade: WebSocket")
    if random.random() < 0.08:
        version = b"HTTP/1.0"
        headers += [b"Connection: keep-alive"] * (random.random() < 0.7)
    fault = random.random()
    if fault < 0.02:
        method = random.choice(_NO_METHODS)
    elif fault < 0.04:
        target = random.choice(_NO_TARGETS)
    elif fault < 0.06:
        version = random.choice(_NO_VERSIONS)
    elif fault < 0.09:
        headers.append(random.choice(_BAD_HEADERS))
    elif fault < 0.1:
        headers = [one for one in headers if not one.lower().startswith(b"host")]
    random.shuffle(headers)
    space = random.choice((b" ",) * 12 + (b"  ",))
    start = random.choice((b"",) * 12 + (b"\r\n", b"\r\n\r\n", b"\n"))
    line = start + method + space + target + space + version
    return b"\r\n".join((line, *headers, b"", body))


def _with_length(random: Random, headers: list[bytes]) -> tuple[list[bytes], bytes]:
    body = random.choice(_BODIES)
    forms = (b"Content-Length: %d", b"content-length:%d", b"Content-Length: 00%d ")
    form = random.choice((*forms, b"Content-length:\t%d\t"))
    headers = [*headers, form % len(body)]
    if random.random() < 0.03:
        headers.append(form % (len(body) + random.randrange(2)))
    return headers, body


def _in_chunks(random: Random, headers: list[bytes]) -> tuple[list[bytes], bytes]:
    chunks = []
    for piece in random.choices(_BODIES[1:], k=random.randrange(4)):
        size = random.choice((b"%x", b"%X", b"000%x")) % len(piece)
        if random.random() < 0.03:
            size = random.choice(_BAD_SIZES)
        end = b"\r\n" if random.random() < 0.98 else random.choice((b"\n", b"x\r\n", b"\r", b""))
        chunks.append(size + random.choice(_EXTENSIONS) + b"\r\n" + piece + end)
    codings = (b"Transfer-Encoding: chunked", b"transfer-encoding:Chunked")
    coding = random.choice((*codings, b"TRANSFER-ENCODING:\t chunked \t"))
    last = b"0" + random.choice(_EXTENSIONS) + b"\r\n" + random.choice(_TRAILERS) + b"\r\n"
    return [*headers, coding], b"".join(chunks) + last


def pieces(random: Random, data: bytes) -> list[bytes]:
    """Cut a stream: not at all, at a few places anywhere, around line ends, or everywhere."""
    way = random.random()
    size = len(data)
    if way < 0.15:
        cuts = []
    elif way < 0.7:
        cuts = [random.randrange(size + 1) for _ in range(random.choice((1, 1, 2, 3, 5)))]
    elif way < 0.95 or size > 700:
        ends = [at for at in range(size) if data[at] in b"\r\n "]
        cuts = [
            min(random.choice(ends) + random.randrange(3), size)
            for _ in range(random.choice((1, 2, 4)))
            if ends
        ]
    else:
        cuts = list(range(1, size))
    return [data[a:b] for a, b in pairwise(sorted({0, *cuts, size}))] if size else []

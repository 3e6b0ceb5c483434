# SPDX-License-Identifier: Apache-2.0
"""What a stub says of a package: its types, how they get ids and outputs, what replaces them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.stubs.world import Thing, World

Properties = dict[str, Any]
PROVIDER = "(provider)"
"""Under this name an identity function sees the provider's configuration among the inputs."""

BIRTH = "(birth)"
"""Under this name an outputs function sees how often the resource was made before."""


@dataclass(frozen=True)
class StubType:
    """One resource type.

    ``identity`` makes the id of digits that differ for every creation; ``outputs`` returns what
    only the provider knows, by id and inputs: all of it is unknown while previewing a creation.
    ``replaces`` names the inputs whose change makes a new resource; ``replacing`` finds further
    ones from old and new inputs. ``autoname`` is the path of the property that gets a name when
    the program gives none. ``refuses`` says why a creation (old inputs are None) or an update is
    refused, as the real API would when it is asked: not at the preview. Of a ``unique`` type, an id
    that is there already cannot be made again (``taken`` names the error). ``holds`` is the place
    that goes with it, and all that lies there. ``stays`` says why it cannot be deleted yet.
    ``leaves`` puts into the world what comes to be with it as nobody's doing, and stays without it.
    """

    identity: Callable[[str, Properties], str]
    outputs: Callable[[str, Properties], Properties] = lambda identity, inputs: {}
    replaces: tuple[str, ...] = ()
    replacing: Callable[[Properties, Properties], set[str]] = lambda old, new: set()
    secrets: tuple[str, ...] = ()
    autoname: tuple[str, ...] = ()
    delete_before_replace: bool = False
    defaults: Mapping[str, Any] = field(default_factory=dict)
    refuses: Callable[[Properties | None, Properties, World], str] = lambda old, new, world: ""
    unique: bool = False
    taken: str = "ResourceInUseException"
    holds: Callable[[Properties], str] = lambda outputs: ""
    stays: Callable[[Thing, World], str] = lambda thing, world: ""
    leaves: Callable[[Thing, World], None] = lambda thing, world: None


@dataclass(frozen=True)
class Call:
    """A call of one of a provider's functions, in the world and by a provider as configured."""

    arguments: Properties
    config: Properties
    world: World


@dataclass(frozen=True)
class Package:
    """One provider.

    ``reconfigured`` names what of its configuration makes another provider of it, and so another of
    each of its resources. ``place`` is where resources lie by the configuration, ``unreachable``
    says why that cannot be reached.
    """

    name: str
    types: Mapping[str, StubType]
    invokes: Mapping[str, Callable[[Call], Properties]] = field(default_factory=dict)
    construct: Callable[[Any], Any] | None = None
    reconfigured: Callable[[Properties, Properties], set[str]] = lambda old, new: set()
    place: Callable[[Properties], str] = lambda config: ""
    unreachable: Callable[[str, World], str] = lambda place, world: ""


def digits(text: str, length: int, alphabet: str = "0123456789abcdef") -> str:
    """Return ``length`` characters that depend on ``text`` only."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    found = []
    for _ in range(length):
        number, place = divmod(number, len(alphabet))
        found.append(alphabet[place])
    return "".join(found)


def prefixed(prefix: str, length: int = 17) -> Callable[[str, Properties], str]:
    """Return an identity such as ``vpc-0a1b…``."""
    return lambda seed, inputs: f"{prefix}-{digits(seed, length)}"


def named(*path: str) -> Callable[[str, Properties], str]:
    """Return an identity that is one of the inputs."""

    def identity(seed: str, inputs: Properties) -> str:
        value: Any = inputs
        for name in path:
            value = value[name]
        return str(value)

    return identity

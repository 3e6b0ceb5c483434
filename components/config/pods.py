# SPDX-License-Identifier: Apache-2.0
"""What a pod of a release may use, and how many workers it has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from components.config.reader import ConfigReader
from gateway.data_plane.capacity import MASTER_MEMORY, MEBIBYTE, WORKER_MEMORY

QUANTITY = re.compile(r"^(?P<number>\d+(\.\d{1,3})?)(?P<unit>m|k|M|G|T|Ki|Mi|Gi|Ti)?$")
"""Kubernetes' quantities, without exponents (kubernetes.io, "Quantity")."""
UNITS = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGT", 1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGT", 1)},
}
NAMES = ("cpu", "cpuLimit", "memory", "memoryLimit")
OURS = {"cpu": "500m", "memory": "256Mi", "memoryLimit": "512Mi"}
KONGS = {"cpu": "500m", "memory": "1Gi", "memoryLimit": "2Gi"}
MOST_WORKERS = 256


@dataclass(frozen=True)
class PodConfig:
    """Requests and limits of a release's pods as Kubernetes' quantities; an empty one is none.

    ``workers`` is 0 where processors and memory decide.
    """

    cpu: str
    cpu_limit: str
    memory: str
    memory_limit: str
    workers: int = 0

    def resources(self) -> dict[str, Any]:
        """Return the chart's value ``resources``."""
        asked = {"cpu": self.cpu, "memory": self.memory}
        most = {"cpu": self.cpu_limit, "memory": self.memory_limit}
        found = {"requests": asked, "limits": most}
        made = {name: {k: v for k, v in part.items() if v} for name, part in found.items()}
        return {name: part for name, part in made.items() if part}


def read_data_plane_pods(reader: ConfigReader, *, konnect: bool) -> PodConfig:
    """Take ``resources`` and ``workers``; problems are the reader's to raise."""
    found = _resources(reader, "resources", KONGS if konnect else OURS)
    workers = reader.integer("workers", 0, MOST_WORKERS)
    needed = MASTER_MEMORY + workers * WORKER_MEMORY
    limit = _amount(found["memoryLimit"])
    # Kong's workers are of another size.
    if not konnect and limit and limit < needed:
        reader.problem(
            "resources.memoryLimit",
            f"{found['memoryLimit']} is too little for {workers} workers; at least "
            f"{needed // MEBIBYTE}Mi, or fewer workers (0: as many as it has room for)",
        )
    return _config(found, workers)


def read_control_plane_pods(reader: ConfigReader) -> PodConfig:
    """Take ``controlPlaneResources``; problems are the reader's to raise."""
    return _config(_resources(reader, "controlPlaneResources", OURS))


def _config(found: Mapping[str, str], workers: int = 0) -> PodConfig:
    cpu, cpu_limit, memory, memory_limit = (found[name] for name in NAMES)
    return PodConfig(cpu, cpu_limit, memory, memory_limit, workers)


def _resources(reader: ConfigReader, key: str, defaults: Mapping[str, str]) -> dict[str, str]:
    """Return each of ``NAMES``; one that is given empty is left out of the pod."""
    given = reader.texts(key)
    for name in sorted(set(given) - set(NAMES)):
        reader.problem(f"{key}.{name}", f"unknown; allowed: {', '.join(NAMES)}")
    found = {name: defaults.get(name, "") for name in NAMES}
    found |= {name: given[name] for name in NAMES if name in given}
    for name in NAMES:
        _check(reader, key, name, found[name])
    for name in ("cpu", "memory"):
        if name in given and f"{name}Limit" not in given and _amount(found[name]):
            # What is asked for beyond a limit that nobody set moves it along.
            found[f"{name}Limit"] = _at_least(found[f"{name}Limit"], found[name])
        asked, limit = _amount(found[name]), _amount(found[f"{name}Limit"])
        if asked and limit and asked > limit:
            reader.problem(
                f"{key}.{name}",
                f"{found[name]} is more than {name}Limit, {found[f'{name}Limit']}",
            )
    return found


def _at_least(limit: str, asked: str) -> str:
    return asked if limit and (_amount(limit) or 0) < (_amount(asked) or 0) else limit


def _check(reader: ConfigReader, key: str, name: str, text: str) -> None:
    amount = _amount(text)
    if text and not amount:
        like = "500m or 2" if name.startswith("cpu") else "512Mi or 1Gi"
        reader.problem(f"{key}.{name}", f"{text!r} is no quantity of Kubernetes such as {like}")
    elif amount and name.startswith("memory") and amount < MEBIBYTE:
        # 512m is half a byte.
        reader.problem(f"{key}.{name}", f"{text!r} is less than 1Mi; memory is told as 512Mi")


def _amount(text: str) -> Decimal | None:
    """Return what a quantity stands for, None for what is none."""
    found = QUANTITY.match(text)
    return Decimal(found["number"]) * UNITS[found["unit"] or ""] if found else None

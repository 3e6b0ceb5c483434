# SPDX-License-Identifier: Apache-2.0
"""The settings that a topic may have, their values and, on Confluent Cloud, their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.names.spelling import choices

LONGEST = 2**63 - 1


@dataclass(frozen=True)
class TopicSetting:
    """One setting: a whole number from ``low``, a fraction, or one or more of ``allowed``.

    ``several`` lets values be listed with commas. ``default`` is Confluent's.
    """

    low: int | None = None
    allowed: tuple[str, ...] = ()
    several: bool = False
    fraction: bool = False
    default: str = ""

    def problem(self, value: str) -> str:
        """Return why ``value`` cannot be used, or nothing."""
        if self.fraction:
            return "" if _is_fraction(value) else f"{value!r} is not a number from 0 to 1"
        if self.low is not None:
            least = f"a whole number from {self.low}"
            return "" if _is_whole(value, self.low) else f"{value!r} is not {least}"
        given = [item.strip() for item in value.split(",")] if self.several else [value]
        if self.allowed and not set(given) <= set(self.allowed):
            return f"{value!r} is not one of {', '.join(self.allowed)}"
        return ""


def _is_whole(value: str, low: int) -> bool:
    digits = value.removeprefix("-")
    return digits.isascii() and digits.isdigit() and low <= int(value) <= LONGEST


def _is_fraction(value: str) -> bool:
    try:
        return 0 <= float(value) <= 1
    except ValueError:
        return False


FLAG = ("true", "false")
STRATEGIES = tuple(
    f"io.confluent.kafka.serializers.subject.{name}Strategy"
    for name in ("TopicName", "RecordName", "TopicRecordName")
)
_SHARED = {
    "cleanup.policy": TopicSetting(allowed=("delete", "compact"), several=True, default="delete"),
    "delete.retention.ms": TopicSetting(low=0, default="86400000"),
    "max.compaction.lag.ms": TopicSetting(low=1, default=str(LONGEST)),
    "max.message.bytes": TopicSetting(low=0, default="2097164"),
    "message.timestamp.after.max.ms": TopicSetting(low=0, default=str(LONGEST)),
    "message.timestamp.before.max.ms": TopicSetting(low=0, default=str(LONGEST)),
    "message.timestamp.type": TopicSetting(
        allowed=("CreateTime", "LogAppendTime"), default="CreateTime"
    ),
    "min.compaction.lag.ms": TopicSetting(low=0, default="0"),
    "min.insync.replicas": TopicSetting(low=1, default="2"),
    "retention.bytes": TopicSetting(low=-1, default="-1"),
    "retention.ms": TopicSetting(low=-1, default="604800000"),
    "segment.bytes": TopicSetting(low=14, default="104857600"),
    "segment.ms": TopicSetting(low=1, default="604800000"),
}
KAFKA_SETTINGS: Mapping[str, TopicSetting] = MappingProxyType(
    {
        **_SHARED,
        "compression.gzip.level": TopicSetting(low=-1),
        "compression.lz4.level": TopicSetting(low=1),
        "compression.zstd.level": TopicSetting(low=-131072),
        "compression.type": TopicSetting(
            allowed=("producer", "uncompressed", "gzip", "snappy", "lz4", "zstd")
        ),
        "file.delete.delay.ms": TopicSetting(low=0),
        "flush.messages": TopicSetting(low=1),
        "flush.ms": TopicSetting(low=0),
        "follower.replication.throttled.replicas": TopicSetting(),
        "index.interval.bytes": TopicSetting(low=0),
        "leader.replication.throttled.replicas": TopicSetting(),
        "local.retention.bytes": TopicSetting(low=-2),
        "local.retention.ms": TopicSetting(low=-2),
        "min.cleanable.dirty.ratio": TopicSetting(fraction=True),
        "preallocate": TopicSetting(allowed=FLAG),
        "remote.log.copy.disable": TopicSetting(allowed=FLAG),
        "remote.log.delete.on.disable": TopicSetting(allowed=FLAG),
        "remote.storage.enable": TopicSetting(allowed=FLAG),
        "segment.index.bytes": TopicSetting(low=4),
        "segment.jitter.ms": TopicSetting(low=0),
        "unclean.leader.election.enable": TopicSetting(allowed=FLAG),
    }
)
"""Apache Kafka 4.1 documentation, "Topic Configs"."""
CONFLUENT_SETTINGS: Mapping[str, TopicSetting] = MappingProxyType(
    {
        **_SHARED,
        "message.timestamp.difference.max.ms": TopicSetting(low=0, default=str(LONGEST)),
        "confluent.key.schema.validation": TopicSetting(allowed=FLAG, default="false"),
        "confluent.value.schema.validation": TopicSetting(allowed=FLAG, default="false"),
        "confluent.key.subject.name.strategy": TopicSetting(
            allowed=STRATEGIES, default=STRATEGIES[0]
        ),
        "confluent.value.subject.name.strategy": TopicSetting(
            allowed=STRATEGIES, default=STRATEGIES[0]
        ),
    }
)
"""Those that may be set on Confluent Cloud, with its defaults.

docs.confluent.io, "Configuration Reference for Topics in Confluent Cloud".
"""


def setting_problem(name: str, value: str, settings: Mapping[str, TopicSetting]) -> str:
    """Return why a topic cannot have this setting, or nothing."""
    known = settings.get(name)
    if known is None:
        return f"no setting of a topic; {choices(name, sorted(settings))}"
    return known.problem(value)


def with_defaults(wanted: Mapping[str, str], live: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of a topic on Confluent Cloud, for one that has ``live`` settings.

    A setting that is taken out is written as its default: the provider refuses to take one out
    (confluentinc/terraform-provider-confluent#601). One that is not known stays as it is.
    """
    left = {
        name: CONFLUENT_SETTINGS[name].default if name in CONFLUENT_SETTINGS else value
        for name, value in live.items()
        if name not in wanted
    }
    return dict(sorted({**left, **wanted}.items()))

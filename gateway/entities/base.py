# SPDX-License-Identifier: Apache-2.0
"""What all entity models share: strictness, nulls, the common fields, and the entity type."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from gateway.entities.types import Number, Tag, Uuid


@dataclass(frozen=True)
class Hint:
    """What a field is beyond its Python type; stands in ``Annotated`` beside it."""

    set: bool = False
    """A list without order or repetition: type ``set`` in Kong's dialect."""
    message: str = ""
    """Text when a pattern does not match."""
    referenceable: bool = False
    """A vault reference may stand here; such fields hold secrets."""
    encrypted: bool = False
    auto: bool = False
    """Filled in when absent."""
    reference: str = ""
    """Collection a foreign key points into."""
    unique: bool = False
    shorthand: tuple[str, ...] = ()
    """Where the value of a deprecated field stands now: paths inside the same record, with dots."""


Conditions = tuple[list[str], dict[str, str]]
"""What checks over several fields found: texts for the record, and texts by the field they name."""


class StrictModel(BaseModel):
    """A strict model: no unknown fields, no guessing of types; null means absent, as in decK.

    No text is empty, unless its field is of the type ``MayBeEmpty``.
    """

    own_checks: ClassVar[bool] = False
    """Whether checks over several fields of a ``config`` stand under it in errors, as Kong has them
    in its Kafka plugins; those of others stand under the entity."""

    meant_nulls: ClassVar[frozenset[str]] = frozenset()
    """The fields that have a default and in which null is not that, but none at all."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        hide_input_in_errors=True,
        # Kong 3.10 kong/db/schema/init.lua, validate_field; items, keys and values of maps too.
        str_min_length=1,
        # A field whose name is none in Python has it as an alias, and rows have what files have.
        serialize_by_alias=True,
        # A node starts faster when only the models are built that its configuration uses.
        defer_build=True,
    )

    @classmethod
    def conditions(cls, data: Mapping[str, Any]) -> Conditions:
        """Return what is wrong between fields, also where some are wrong in themselves.

        ``data`` holds the checked fields, or what was given when those could not be used: values
        of any type. A model that has such conditions calls ``check_conditions`` when it is made.
        """
        return [], {}

    def check_conditions(self) -> None:
        """Raise the error of the conditions that do not hold."""
        checks, fields = self.conditions(vars(self))
        if checks or fields:
            raise violation(checks, fields)

    @model_validator(mode="before")
    @classmethod
    def _null_means_absent(cls, data: Any) -> Any:
        # Unknown fields stay, so that a misspelt field is reported even when it is null.
        if isinstance(data, Mapping) and None in data.values():
            kept = cls.meant_nulls
            absent = cls.model_fields.keys() - kept
            return {k: v for k, v in data.items() if v is not None or k not in absent}
        return data


def violation(
    checks: Sequence[str], fields: Mapping[str, str] | None = None
) -> PydanticCustomError:
    """Make the error of a check over several fields.

    ``checks`` go under ``@entity`` of the record, ``fields`` under the fields they name.
    """
    context = {"checks": list(checks), "fields": dict(fields or {})}
    return PydanticCustomError("entity", "{checks}", context)


def failed_condition(field: str) -> str:
    """Return Kong's text for a field that is wrong because of another one's value."""
    return f"failed conditional validation given value of field '{field}'"


def at_least_one_of(fields: Iterable[str]) -> str:
    """Return Kong's text for fields of which none has a value."""
    return f"at least one of these fields must be non-empty: {', '.join(map(repr, fields))}"


def _now() -> int:
    return int(time.time())


def _new_id() -> str:
    return str(uuid4())


class Entity(StrictModel):
    """The fields that every entity has."""

    id: Annotated[Uuid, Hint(auto=True)] = Field(
        default_factory=_new_id,
        description="The entity's UUID, made up when it is not given.",
    )
    created_at: Annotated[Number, Hint(auto=True)] = Field(
        default_factory=_now,
        description="When the entity was created, in seconds since 1970.",
    )
    updated_at: Annotated[Number, Hint(auto=True)] = Field(
        default_factory=_now,
        description="When the entity was last changed, in seconds since 1970.",
    )
    tags: Annotated[list[Tag], Hint(set=True)] | None = Field(
        default=None,
        description="Free words by which entities can be grouped and filtered.",
    )


@dataclass(frozen=True)
class EntityType:
    """One kind of entity: its model and how it is found, referred to and nested."""

    collection: str
    singular: str
    model: type[Entity]
    endpoint_key: str | None = None
    """The unique field that may stand in a URL instead of the id."""
    foreign: Mapping[str, str] = field(default_factory=dict)
    """Foreign key field to the collection it points into."""
    foreign_lists: Mapping[str, str] = field(default_factory=dict)
    """Fields that hold lists of ids, or of maps with one, to the collection these point into."""
    unique: tuple[tuple[str, ...], ...] = ()
    """Groups of fields that together must be unique; a group with a null does not count."""
    key_field: str | None = None
    """The field that the key of a keyed document stands for, when it is not given itself."""
    parents: tuple[str, ...] = ()
    """Foreign key fields under whose entity this one is nested, most specific first."""
    cascade: frozenset[str] = frozenset()
    """Foreign keys whose entity takes this one along when deleted; the others block that."""
    made_up: tuple[str, ...] = ()
    """Secrets that are made up when absent; documents must say them."""
    as_named: Callable[[str], str] = str
    """Returns a name in a URL as the entity has it: a target without a port is one of 8000."""

    @property
    def known_by_key(self) -> bool:
        """Whether the key of a keyed document names one entity among all, whatever it is in."""
        return self.key_field == self.endpoint_key and (self.key_field,) in self.unique

    def name_within(self, parent: str) -> str | None:
        """Return the field that names an entity among those of one parent, and not among all.

        ``parent`` is the foreign key field. None where a name of an entity is its only one's.
        """
        if (self.endpoint_key,) in self.unique:
            return None
        pairs = [group for group in self.unique if len(group) == 2 and parent in group]
        return next((name for pair in pairs for name in pair if name != parent), None)

    @property
    def secret_key(self) -> bool:
        """Whether what may stand in a URL instead of the id is a secret: a credential's key."""
        return self.endpoint_key in self.made_up


def listed_ids(value: Any) -> list[str]:
    """Return the ids in a field of ``foreign_lists``: the same one may stand there twice."""
    return [one["id"] if isinstance(one, Mapping) else one for one in value or ()]

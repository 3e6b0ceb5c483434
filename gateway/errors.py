# SPDX-License-Identifier: Apache-2.0
"""Every exception of the runtime, in one tree.

GatewayError
├── SettingsError                 a KONG_* setting cannot be used
├── DocumentError                 a decK file or keyed document is wrong; names file and path
├── SchemaViolation               one entity fails its checks; carries Kong's code/name/fields shape
├── KeyViolation                  what names an entity cannot be used
│   ├── InvalidKey                …because it is no id
│   ├── KeyTaken                  …because another entity has that id
│   ├── ReferenceViolation        …because it refers to an entity that is not there
│   ├── UniqueViolation           …because another entity claims the same name
│   └── NotFound                  …because there is no such entity, release or owner
├── OwnedElsewhere                a write would change an entity of an owner that it does not name
├── Forbidden                     a caller of the Admin API may not do what it asks for
├── Unsupported                   Kong can do it, and this gateway cannot
├── QueryError                    a query parameter of the Admin API cannot be used
├── StoreError                    the control plane's database cannot be read or written
├── AuditError                    the audit log cannot be written
├── ReleaseRefused                a data plane cannot serve a release
│   └── UnresolvedReference       …because vault references have no value
├── VaultError                    a vault gives no secret, or none that can be used
│   └── SecretMissing             …because it is not there
├── CacheError                    the configuration cache on disk cannot be read
├── ClusterError                  the hybrid protocol was broken by the peer
├── WorkerGone                    a worker process ended before it responded to its master
├── ProxyHeaderRefused            a connection does not begin with a PROXY protocol header
├── RequestRejected               a request ends now, with an error status
│   ├── BodyUnreadable            …because its body is not what its type calls for
│   ├── BodyRefused               …because a plugin refuses its body, which is on its way upstream
│   └── ProtocolError             …and the connection closed: malformed or hostile bytes
├── ConditionFailed               the condition of a plugin says neither true nor false
├── NodeStoreUnavailable          what a node's workers share cannot be reached, or is full
├── CommandFailed                 a command cannot do what was asked
├── KafkaError                    Kafka refused what the command line asked, or did not respond
├── ProduceError                  a record was not written; carries librdkafka's error name
│   ├── BufferFull                …because the bounded buffer is full
│   ├── CertificateMissing        …because its client certificate cannot be had
│   ├── KafkaRefuses              …because Kafka refuses our credentials or cannot be found
│   ├── ProducerUnhealthy         …because health gating is on and Kafka is unreachable
│   └── SchemaUnusable            …because its schema cannot be had or not be used
├── RedisFailed                   Redis refused a command, or could not be asked
│   └── RedisUnreachable          …because it does not respond, or not as Redis does
├── TransactionAborted            none of a transaction's records is written, nor will be
├── TransactionUnknown            …may be written: only fencing its producer tells
├── SearchFailed                  records could not be looked for in their topics
│   └── TopicUnreadable           …because Kafka does not let us read them
├── SchemaMismatch                a message does not fit its schema; knows the place
├── ResourceError                 the Pulumi provider could not do what was asked of a resource
│   ├── EndpointUnreachable       …because the endpoint that manages it does not respond
│   └── ResourceInitFailed        …but it exists and has to be recorded
├── OutgoingError                 an endpoint that a plugin asks is unreachable, or makes no sense
└── UpstreamError                 the upstream service is unreachable or its response is no HTTP
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class GatewayError(Exception):
    """Base of all: catch it to tell the gateway's own failures from bugs."""


class SettingsError(GatewayError):
    """Settings have values that cannot be used.

    ``problems`` holds one text each, naming the setting and what is allowed.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(problems))


class DocumentError(GatewayError):
    """A configuration document is wrong.

    ``problems`` holds one full sentence each, starting with the path inside the document,
    e.g. ``services["a"].routes["b"].paths[0]: should start with: / …``.
    """

    def __init__(self, problems: Sequence[str], source: str = "") -> None:
        self.problems = list(problems)
        self.source = source
        where = f"{source}: " if source else ""
        super().__init__("\n".join(f"{where}{problem}" for problem in self.problems))


class SchemaViolation(GatewayError):
    """One entity fails its schema: Kong's error 2, HTTP 400.

    ``fields`` mirrors the entity: field name to text, or to a nested mapping; list positions
    are the strings "1", "2", … and checks over several fields stand under ``@entity``.
    ``problems`` are the same as full sentences with advice, for people.
    """

    def __init__(
        self, fields: Mapping[str, Any], entity: str = "", problems: Sequence[str] = ()
    ) -> None:
        self.fields = dict(fields)
        self.entity = entity
        self.problems = list(problems)
        super().__init__(f"schema violation ({self.fields})")


class KeyViolation(GatewayError):
    """What names an entity cannot be used; ``fields`` are those of Kong's answer, by field name."""

    def __init__(self, message: str, fields: Mapping[str, Any] | None = None) -> None:
        self.fields = dict(fields or {})
        super().__init__(message)


class InvalidKey(KeyViolation):
    """A key in a path is no id, and nothing else names such entities: Kong's error 1, HTTP 400."""


class KeyTaken(KeyViolation):
    """The id of a new entity is another's: Kong's error 3, HTTP 400."""


class ReferenceViolation(KeyViolation):
    """A foreign key does not reference an existing entity: Kong's error 4, HTTP 400."""


class UniqueViolation(KeyViolation):
    """A unique key is taken: Kong's error 5, HTTP 409."""


class NotFound(KeyViolation):
    """No such entity, release or owner: HTTP 404; with ``fields`` Kong's error 6."""


class OwnedElsewhere(GatewayError):
    """A single write would change an entity of an owner that it does not name: HTTP 409.

    ``header`` is the line that would let it pass.
    """

    def __init__(self, label: str, owner: str, header: str) -> None:
        self.owner = owner
        self.header = header
        text = f'{label} belongs to owner "{owner}": change it there'
        super().__init__(f'{text}, or send the header "{header}" with the write')


class Forbidden(GatewayError):
    """A caller of the Admin API may not do what it asks for: HTTP 403."""


class Unsupported(GatewayError):
    """Kong can do it, this gateway cannot: Kong's error 12, HTTP 405."""


class QueryError(GatewayError):
    """A query parameter cannot be used: HTTP 400 with Kong's ``code`` and ``name`` (7, 9 or 11)."""

    def __init__(self, code: int, name: str, message: str) -> None:
        self.code = code
        self.name = name
        super().__init__(message)


class StoreError(GatewayError):
    """The control plane's database cannot be read or written; nothing of the write was kept.

    ``status`` is that of the Admin API's response: 503 (locked), 507 (disk full), 400 (a value that
    it cannot keep), else 500.
    """

    def __init__(self, message: str, status: int = 500) -> None:
        self.status = status
        super().__init__(message)


class AuditError(GatewayError):
    """The audit log cannot be written: HTTP 503 for a write that it would have to note."""


class ReleaseRefused(GatewayError):
    """A data plane cannot serve a release and keeps the one it has.

    ``errors`` are full sentences, safe to show: they never hold a secret's value. ``hash`` is
    that of the refused configuration, where it is known.
    """

    hash = ""

    def __init__(self, errors: Sequence[str]) -> None:
        self.errors = list(errors)
        super().__init__("; ".join(self.errors))


class UnresolvedReference(ReleaseRefused):
    """Vault references without a value; ``references`` are their texts, e.g. ``{vault://env/KEY}``."""

    def __init__(self, references: Sequence[str], reasons: Mapping[str, str] | None = None) -> None:
        self.references = sorted(set(references))
        super().__init__([_unresolved(name, reasons or {}) for name in self.references])


def _unresolved(reference: str, reasons: Mapping[str, str]) -> str:
    reason = f": {reasons[reference]}" if reference in reasons else ""
    return f"vault reference {reference} does not resolve{reason}"


class VaultError(GatewayError):
    """A vault gives no secret; the text says why and holds neither secret nor credential."""


class SecretMissing(VaultError):
    """The vault is there, the secret is not."""


class CacheError(GatewayError):
    """The configuration cache is missing, damaged or was written with another key."""


class ClusterError(GatewayError):
    """The peer broke the hybrid protocol, or refused us."""


class WorkerGone(GatewayError):
    """A worker process ended before it responded to its master."""


class ProxyHeaderRefused(GatewayError):
    """A connection does not begin with a PROXY protocol header; empty when it just ended."""


class RequestRejected(GatewayError):
    """End this request with ``status`` and ``message``."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        self.message = message
        super().__init__(f"{status} {message}")


class BodyUnreadable(RequestRejected):
    """The body is not what its content type, or the route, calls for: 400."""

    def __init__(self, problem: str) -> None:
        super().__init__(400, problem)


class BodyRefused(RequestRejected):
    """A plugin refuses a body that is on its way to the upstream."""


class ProtocolError(RequestRejected):
    """Malformed or hostile bytes: respond, then close the connection."""


class ConditionFailed(GatewayError):
    """The condition of a plugin could not be evaluated, or says neither true nor false."""


class NodeStoreUnavailable(GatewayError):
    """The store that a node's workers share does not respond, or has no room left."""


class CommandFailed(GatewayError):
    """A command of the command line cannot do what was asked; the text is for people."""


class KafkaError(GatewayError):
    """Kafka refused what the command line asked, or did not respond; the text is for people."""


class ProduceError(GatewayError):
    """A record was not written.

    ``reason`` is librdkafka's error name (``_MSG_TIMED_OUT``, ``TOPIC_AUTHORIZATION_FAILED``, …),
    ``topic`` empty where it is not known.
    """

    def __init__(self, reason: str, detail: str = "", topic: str = "") -> None:
        self.reason = reason
        self.detail = detail
        self.topic = topic
        super().__init__(f"{reason}: {detail}" if detail else reason)


class BufferFull(ProduceError):
    """The bounded buffer is full: 503 with Retry-After."""


class KafkaRefuses(ProduceError):
    """Kafka refuses our credentials, or no server's name resolves: 502 without waiting."""


class SchemaUnusable(ProduceError):
    """A record's schema cannot be had or not be used: the registry's fault or the schema's."""

    def __init__(self, detail: str) -> None:
        super().__init__("SCHEMA_UNUSABLE", detail)


class TransactionAborted(GatewayError):
    """None of a transaction's records is written, nor will be."""


class TransactionUnknown(GatewayError):
    """A transaction's records may be written or not: only fencing its producer tells."""


class SearchFailed(GatewayError):
    """Whether records are in their topics could not be found out."""


class TopicUnreadable(SearchFailed):
    """The brokers do not let us read the topic."""


class SchemaMismatch(GatewayError):
    """A value does not fit its schema; ``path`` leads to the place, from the root."""

    def __init__(self, problem: str, *path: str | int) -> None:
        self.problem = problem
        self.path = path
        super().__init__(problem)

    def inside(self, place: str | int) -> SchemaMismatch:
        """Return the same for a value that stands at ``place`` of another."""
        return SchemaMismatch(self.problem, place, *self.path)

    def __str__(self) -> str:
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return f"${''.join(steps)} {self.problem}"


class CertificateMissing(ProduceError):
    """The client certificate that a plugin names cannot be had."""


class ProducerUnhealthy(ProduceError):
    """Health gating is on and Kafka is unreachable: 503 with Retry-After."""


class RedisFailed(GatewayError):
    """Redis refused a command; ``server`` names it, ``detail`` is what it said."""

    def __init__(self, server: str, detail: str) -> None:
        self.server = server
        self.detail = detail
        super().__init__(f"Redis {server}: {detail}")


class RedisUnreachable(RedisFailed):
    """Redis does not respond, or not as Redis does."""


class ResourceError(GatewayError):
    """The provider could not do what was asked of a resource; the text is shown to the user."""


class EndpointUnreachable(ResourceError):
    """The endpoint that manages a resource does not respond; the text names it and the reason."""


class ResourceInitFailed(ResourceError):
    """A resource exists but is not as asked: ``id`` and ``outputs`` are recorded all the same."""

    def __init__(self, message: str, id: str, outputs: Mapping[str, Any]) -> None:  # noqa: A002
        self.id = id
        self.outputs = dict(outputs)
        super().__init__(message)


class OutgoingError(GatewayError):
    """An endpoint that the gateway asks for itself did not respond, or not with what it should.

    The text names it and the reason; it holds no credentials.
    """


class UpstreamError(GatewayError):
    """The upstream is unreachable, or its response cannot be used.

    ``status`` is what the client gets (502, 503, 504), ``message`` its text.
    """

    def __init__(self, status: int, message: str, detail: str = "") -> None:
        self.status = status
        self.message = message
        self.detail = detail
        super().__init__(f"{status} {message}{': ' + detail if detail else ''}")

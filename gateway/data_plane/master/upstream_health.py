# SPDX-License-Identifier: Apache-2.0
"""The health of a node's upstreams: probed by the master, reported by workers, told to all workers.

One process probes and counts for the whole node, so that a target is not probed by each worker,
and each worker knows what the others' requests have met with.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gateway.data_plane.master.node_release import NodeRelease
from gateway.errors import GatewayError
from gateway.logs import get_logger
from gateway.settings.settings import Settings

if TYPE_CHECKING:
    import ssl

    from gateway.proxy.balancing.watched import WatchedUpstream
    from gateway.proxy.resolver import Resolver

_log = get_logger("gateway.upstreams")

Row = Mapping[str, Any]
States = list[list[Any]]
"""The peers of an upstream that are not simply healthy: host, address, port, state."""


class UpstreamHealth:
    """Follows the releases of a node.

    ``tell`` gets the id of an upstream and the states of its peers whenever one is another.
    ``trusted`` returns the file of the trusted authorities; None: the system's.
    """

    def __init__(
        self,
        settings: Callable[[], Settings] = Settings,
        trusted: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.tell: Callable[[str, States], object] = lambda _, __: None
        self.metrics = False
        """Whether the plugin ``prometheus`` has the health of targets shown."""
        self._settings = settings
        self._trusted = trusted
        self._upstreams: dict[str, WatchedUpstream] = {}
        self._resolver: Resolver | None = None

    @property
    def upstreams(self) -> Sequence[WatchedUpstream]:
        """The upstreams of the release in force."""
        return list(self._upstreams.values())

    def find(self, key: str) -> WatchedUpstream | None:
        """Return an upstream by its id or name."""
        for upstream in self._upstreams.values():
            if key in (upstream.id, upstream.name):
                return upstream
        return None

    def states(self) -> dict[str, States]:
        """Return what a new worker has to know, by the ids of upstreams."""
        known = ((upstream.id, _states(upstream)) for upstream in self._upstreams.values())
        return {name: states for name, states in known if states}

    def follow(self, release: NodeRelease, environment: Mapping[str, str]) -> None:
        """Watch the upstreams of a release that workers serve from now on.

        What has not changed is watched on. What was counted of an address stays with it as long as
        its upstream does.
        """
        before, self._upstreams = self._upstreams, {}
        self.metrics = release.upstream_metrics
        targets: defaultdict[str, list[Row]] = defaultdict(list)
        for row in release.balanced.get("targets", ()):
            targets[row["upstream"]].append(row)
        certificates = _certificates(release, environment)
        for row in release.balanced.get("upstreams", ()):
            known = before.pop(row["id"], None)
            shown = certificates.get(row.get("client_certificate") or "")
            if known is None or not known.is_of(row, targets[row["id"]], shown):
                if known is not None:
                    known.close()
                known = self._watch(row, targets[row["id"]], shown, known)
            self._upstreams[row["id"]] = known
        for gone in before.values():
            gone.close()
            self.tell(gone.id, [])

    def reported(self, reports: Iterable[Sequence[Any]]) -> None:
        """Count what a worker's requests tell: upstream, host, address, port, event."""
        from gateway.proxy.balancing.health import PeerEvent

        for name, host, ip, port, event in reports:
            upstream = self._upstreams.get(name)
            if upstream is not None:
                upstream.reported((host, ip, port), PeerEvent(event))

    def close(self) -> None:
        """Watch nothing any more."""
        for upstream in self._upstreams.values():
            upstream.close()
        self._upstreams = {}
        if self._resolver is not None:
            self._resolver.close()

    def _watch(
        self,
        row: Row,
        targets: Sequence[Row],
        certificate: tuple[str, str] | None,
        before: WatchedUpstream | None,
    ) -> WatchedUpstream:
        # Imported here: most nodes have no upstreams, and a start is to be short.
        from gateway.proxy.balancing.watched import WatchedUpstream
        from gateway.proxy.resolver import resolver_of

        if self._resolver is None:
            self._resolver = resolver_of(self._settings())
        made = WatchedUpstream(
            row,
            targets,
            self._resolver,
            self._changed,
            book=None if before is None else before.book,
            tls=self._tls(row, certificate),
            certificate=certificate,
        )
        made.start()
        if before is not None:
            self._changed(made)
        return made

    def _tls(self, row: Row, certificate: tuple[str, str] | None) -> ssl.SSLContext | None:
        """Return the context of probes by https; None where there are none."""
        active = (row.get("healthchecks") or {}).get("active") or {}
        if active.get("type") != "https":
            return None
        from gateway.proxy.tls import UpstreamTls

        trusted = self._trusted()
        sources = ("system",) if trusted is None else (trusted,)
        service = {
            "name": row["name"],
            "tls_verify": active.get("https_verify_certificate") is not False,
            "client_certificate": row.get("client_certificate") if certificate else None,
        }
        try:
            return UpstreamTls(lambda _: certificate, sources=sources).context(service)
        except GatewayError as error:
            _log.error("targets cannot be probed", upstream=row["name"], reason=str(error))
            return None

    def _changed(self, upstream: WatchedUpstream) -> None:
        self.tell(upstream.id, _states(upstream))


def _states(upstream: WatchedUpstream) -> States:
    return [[*peer, state] for peer, state in upstream.book.states().items()]


def _certificates(
    release: NodeRelease, environment: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """Return the certificates that upstreams show, by their ids."""
    upstreams = release.balanced.get("upstreams", ())
    wanted = {row.get("client_certificate") for row in upstreams} - {None}
    rows = [row for row in release.balanced.get("certificates", ()) if row["id"] in wanted]
    if not rows:
        return {}
    from gateway.vaults.references import resolve

    # They were resolved for this very release, or workers would not serve it.
    found = resolve(rows, {**os.environ, **environment})
    return {row["id"]: (row["cert"], row["key"]) for row in found}

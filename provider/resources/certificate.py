# SPDX-License-Identifier: Apache-2.0
"""``gateway:index:ClusterCertificate``: a key and its certificate, renewed before it expires.

An authority keeps its key when it is renewed, so what it signed before stays valid; whatever it
signs is renewed all the same, because its PEM is an input there.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta

from gateway.errors import ResourceError
from provider.certificates import (
    CertificateRequest,
    Issuer,
    expiry,
    fingerprint,
    issue,
    key_pem,
    load_issuer,
    load_key,
    new_key,
    utc_now,
)
from provider.diff import PropertyChange, changes_between
from provider.fields import Problem
from provider.resource import Resource, ResourceCall, State
from provider.resource_types import ClusterCertificateType
from provider.values import UNKNOWN, Properties, is_known


class ClusterCertificate(Resource):
    """A key and a certificate that exist in the state alone."""

    schema = ClusterCertificateType
    import_refusal = "a certificate cannot be imported: its key is kept nowhere else"

    def check_resource(self, olds: Properties, inputs: Properties) -> list[Problem]:
        """An authority signs itself; others need one, and servers a name."""
        problems: list[Problem] = []
        if inputs["kind"] == "ca" and inputs.get("ca") is not None:
            problems.append(("ca", "an authority signs itself; leave it out"))
        if inputs["kind"] in ("server", "client") and inputs.get("ca") is None:
            problems.append(("ca", f"is required for kind {inputs['kind']}: who signs it"))
        if inputs["kind"] == "server" and not (inputs["dnsNames"] or inputs["ipAddresses"]):
            problems.append(("dnsNames", "a server needs a DNS name or an IP address"))
        early, validity = inputs["earlyRenewalHours"], inputs["validityHours"]
        if is_known([early, validity]) and early >= validity:
            problems.append(("earlyRenewalHours", "should be less than validityHours"))
        if isinstance(inputs["ipAddresses"], list):
            problems.extend(
                (f"ipAddresses[{place}]", f"{address!r} is not an IP address")
                for place, address in enumerate(inputs["ipAddresses"])
                if address != UNKNOWN and not _is_address(address)
            )
        return problems

    def edits(self, state: State, news: Properties) -> list[PropertyChange]:
        """Edits, and a certificate whose time for renewal has come."""
        changes = changes_between(state.inputs, news, replacing=("kind",))
        if _is_due(state.outputs, news):
            changes.append(PropertyChange("notAfter", recorded=False))
        return changes

    def make(self, call: ResourceCall, inputs: Properties) -> tuple[str, Properties]:
        """Make a key and its certificate."""
        return call.derived_id, _issued(inputs, None)

    def update(self, call: ResourceCall, state: State, news: Properties) -> Properties:
        """Renew it, unless only the time for the next renewal was edited."""
        edits = changes_between(state.inputs, news, ignoring=("earlyRenewalHours",))
        if not edits and not _is_due(state.outputs, news):
            return {**state.outputs, **news}
        if call.preview:
            return self.with_unknown_outputs(news)
        keeps_key = news["kind"] == "ca" and news["algorithm"] == state.inputs["algorithm"]
        return _issued(news, state.outputs["privateKeyPem"] if keeps_key else None)


def _is_due(outputs: Properties, inputs: Properties) -> bool:
    if "notAfter" not in outputs or not is_known(inputs["earlyRenewalHours"]):
        return False
    end = datetime.fromisoformat(outputs["notAfter"])
    if utc_now() < end - timedelta(hours=inputs["earlyRenewalHours"]):
        return False
    # An authority that ends just as soon would have to be renewed first.
    authority = inputs.get("ca")
    if authority is None or not is_known(authority):
        return True
    return expiry(authority["certificatePem"]) > end


def _issued(inputs: Properties, kept_key: str | None) -> Properties:
    key = load_key(kept_key) if kept_key else new_key(inputs["algorithm"])
    request = CertificateRequest(
        inputs["kind"],
        inputs["commonName"],
        inputs["dnsNames"],
        inputs["ipAddresses"],
        timedelta(hours=inputs["validityHours"]),
    )
    pem = issue(request, key, _issuer(inputs), utc_now())
    return {
        **inputs,
        "certificatePem": pem,
        "privateKeyPem": key_pem(key),
        "notAfter": expiry(pem).isoformat(),
        "fingerprint": fingerprint(pem),
    }


def _issuer(inputs: Properties) -> Issuer | None:
    authority = inputs.get("ca")
    if authority is None:
        return None
    try:
        return load_issuer(authority["certificatePem"], authority["privateKeyPem"])
    except ValueError as problem:
        raise ResourceError("ca: certificate and key cannot be used: " + str(problem)) from None


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True

# SPDX-License-Identifier: Apache-2.0
"""``gateway:index:ClusterCertificate``: a key and its certificate, made anew before it expires.

An authority keeps its key when it is renewed, so what it signed before stays valid; whatever it
signs is made anew all the same, because its PEM is an input there.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta

from gateway.errors import ResourceError
from provider.certificates import (
    ALGORITHMS,
    Issuer,
    Request,
    expiry,
    fingerprint,
    issue,
    key_pem,
    load_issuer,
    load_key,
    new_key,
    utc_now,
)
from provider.diff import Change, changes_between
from provider.fields import Problem, array, integer, record, text
from provider.resource import Call, Resource, State
from provider.values import UNKNOWN, Properties, is_known

_ISSUED = ("certificatePem", "privateKeyPem", "notAfter", "fingerprint")
_MONTH_HOURS = 30 * 24


class ClusterCertificate(Resource):
    """Outputs: the inputs, ``certificatePem``, ``privateKeyPem`` (PKCS #8), ``notAfter``,
    ``fingerprint``.
    """

    token = "gateway:index:ClusterCertificate"  # noqa: S105 - a type token
    fields = {
        "kind": text(True, None, "ca", "server", "client"),
        "commonName": text(required=True),
        "dnsNames": array(text(required=True), default=[]),
        "ipAddresses": array(text(required=True), default=[]),
        "validityHours": integer(default=397 * 24, minimum=1),
        "earlyRenewalHours": integer(default=_MONTH_HOURS),
        "ca": record({"certificatePem": text(required=True), "privateKeyPem": text(required=True)}),
        "algorithm": text(False, "ecdsa-p256", *ALGORITHMS),
    }
    secrets = (("privateKeyPem",), ("ca", "privateKeyPem"))

    def check_more(self, call: Call, olds: Properties, inputs: Properties) -> list[Problem]:
        """An authority signs itself; others need one, and servers a name to be known by."""
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

    def diff(self, call: Call, state: State, news: Properties) -> list[Change]:
        """Edits, and a certificate whose time for renewal has come."""
        changes = changes_between(state.inputs, news, replacing=("kind",))
        if _is_due(state.outputs, news):
            changes.append(Change("notAfter", recorded=False))
        return changes

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Make a key and its certificate."""
        if call.preview:
            return "", {**inputs, **dict.fromkeys(_ISSUED, UNKNOWN)}
        return call.derived_id, _issued(inputs, None)

    def read(self, call: Call, state: State) -> State | None:
        """It exists nowhere but in the state."""
        if "privateKeyPem" not in state.outputs:
            raise ResourceError("a certificate cannot be imported: its key is kept nowhere else")
        return state

    def update(self, call: Call, state: State, news: Properties) -> Properties:
        """Make it anew, unless only the time for the next renewal was edited."""
        edits = changes_between(state.inputs, news, ignoring=("earlyRenewalHours",))
        if not edits and not _is_due(state.outputs, news):
            return {**state.outputs, **news}
        if call.preview:
            return {**news, **dict.fromkeys(_ISSUED, UNKNOWN)}
        keeps_key = news["kind"] == "ca" and news["algorithm"] == state.inputs["algorithm"]
        return _issued(news, state.outputs["privateKeyPem"] if keeps_key else None)

    def delete(self, call: Call, state: State) -> None:
        """Forgetting it is all there is."""


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
    request = Request(
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

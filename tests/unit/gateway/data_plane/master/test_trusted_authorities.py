# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path

import pytest

from gateway.data_plane.master.trusted_authorities import (
    tell_trust,
    trust_warning,
    trusted_bundle,
)
from gateway.errors import SettingsError
from gateway.logs import configure_logs
from gateway.settings.settings import Settings
from tests.support.authority import Authority, shared_pair


def test_the_systems_authorities_alone_need_no_file(tmp_path: Path) -> None:
    assert trusted_bundle(Settings.from_values({}), tmp_path) is None


def test_all_sources_are_in_one_file(tmp_path: Path) -> None:
    one, other = Authority("one").pem, Authority("other").pem
    file = tmp_path / "one.crt"
    file.write_text(one)
    values = {"lua_ssl_trusted_certificate": f"{file},{other}"}
    bundle = trusted_bundle(Settings.from_values(values), tmp_path / "prefix")
    assert bundle is not None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    assert len(context.get_ca_certs()) == 2


def test_other_authorities_are_another_file_and_the_old_one_goes(tmp_path: Path) -> None:
    def bundle(pem: str) -> str | None:
        values = {"lua_ssl_trusted_certificate": pem}
        return trusted_bundle(Settings.from_values(values), tmp_path)

    first = bundle(Authority("one").pem)
    second = bundle(Authority("other").pem)
    assert first != second
    assert [str(file) for file in tmp_path.iterdir()] == [second]


def test_a_source_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    settings = Settings.parse({"lua_ssl_trusted_certificate": "/no/such.crt"})
    with pytest.raises(SettingsError, match="KONG_LUA_SSL_TRUSTED_CERTIFICATE"):
        trusted_bundle(settings, tmp_path)


# --- what vouches for no broker ---------------------------------------------------------------


def node_settings(**values: str) -> Settings:
    return Settings.parse({"role": "data_plane", **values})


FORMS = ("path", "text", "base64", "twice", "other line breaks")


def named(form: str, file: Path) -> str:
    """Return a certificate's file as the setting may have it."""
    pem = file.read_text()
    if form == "other line breaks":
        copy = file.with_suffix(".copy")
        copy.write_bytes(b"a comment\r\n" + pem.replace("\n", "\r\n").encode())
        return str(copy)
    forms = {
        "path": str(file),
        "text": pem,
        "base64": base64.b64encode(pem.encode()).decode(),
        "twice": f"{file},{pem}",
    }
    return forms[form]


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The one authority that this system knows."""
    authority = Authority("public")
    file = tmp_path / "system.pem"
    file.write_text(authority.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    return authority


def verifies(bundle: str | None, authority: Authority) -> bool:
    assert bundle is not None
    return "".join(authority.pem.split()) in "".join(Path(bundle).read_text().split())


@pytest.mark.parametrize("form", FORMS)
def test_beside_the_nodes_own_certificate_the_system_is_trusted(
    tmp_path: Path, system: Authority, form: str
) -> None:
    own, _ = Authority("cluster").issue("node").write(tmp_path, "tls")
    settings = node_settings(cluster_cert=str(own), lua_ssl_trusted_certificate=named(form, own))
    assert verifies(trusted_bundle(settings, tmp_path / "prefix"), system)
    assert "KONG_CLUSTER_CERT," in trust_warning(settings)
    assert "set system" in trust_warning(settings)


def test_beside_the_shared_certificate_of_a_cluster_the_system_is_trusted(
    tmp_path: Path, system: Authority
) -> None:
    own, _ = shared_pair().write(tmp_path, "cluster")
    settings = node_settings(
        cluster_cert=str(own), lua_ssl_trusted_certificate=str(own), cluster_mtls="shared"
    )
    assert verifies(trusted_bundle(settings, tmp_path / "prefix"), system)


@pytest.mark.parametrize("beside", ["cluster_ca_cert", "another"])
def test_whoever_names_an_authority_trusts_no_other(
    tmp_path: Path, system: Authority, beside: str
) -> None:
    cluster, kafka = Authority("cluster"), Authority("kafka")
    own = cluster.issue("node").certificate
    pem = cluster.pem if beside == "cluster_ca_cert" else kafka.pem
    for trusted in (pem, f"{own}\n{pem}"):
        settings = node_settings(
            cluster_cert=own,
            cluster_ca_cert=cluster.pem,
            lua_ssl_trusted_certificate=trusted,
        )
        assert not verifies(trusted_bundle(settings, tmp_path / "prefix"), system)


def test_what_may_be_refused_is_said_with_the_remedy(tmp_path: Path) -> None:
    cluster = Authority("cluster")
    leaf, own = cluster.issue("somebody").certificate, cluster.issue("node").certificate

    def warning(trusted: str, role: str = "data_plane") -> str:
        values = {"cluster_cert": own, "cluster_ca_cert": cluster.pem, "role": role}
        return trust_warning(Settings.parse({**values, "lua_ssl_trusted_certificate": trusted}))

    assert "put system, in front" in warning(cluster.pem)
    assert "none of its certificates is an authority's" in warning(leaf)
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    assert "no certificates in it that can be read" in warning(broken)
    for right in ("system", Authority("kafka").pem, f"system,{own}"):
        assert warning(right) == ""
    assert warning(own, role="control_plane") == ""


def test_the_log_names_paths_and_never_shows_a_pem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own, _ = Authority("cluster").issue("node").write(tmp_path, "tls")
    configure_logs("info", role="data_plane")
    tell_trust(node_settings(cluster_cert=str(own), lua_ssl_trusted_certificate=str(own)))
    tell_trust(node_settings(lua_ssl_trusted_certificate=own.read_text()))
    said = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = [line["trusted"] for line in said if "trusted" in line]
    assert told == [["system", str(own)], ["(PEM)"]]
    assert [line["level"] for line in said] == ["info", "warn", "info", "warn"]

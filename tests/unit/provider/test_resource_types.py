# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.names.property_paths import PropertyPath
from provider import resource_types as types
from provider.declaration import ResourceType
from provider.fields import REQUIRED, check_fields

SECRETS: dict[type[ResourceType], set[PropertyPath]] = {
    types.ConfigurationType: {("admin", "token"), ("admin", "forward", "kubeconfig")},
    types.CredentialType: {("secret",)},
    types.ClusterCertificateType: {("privateKeyPem",), ("ca", "privateKeyPem")},
    types.KafkaTopicType: {("endpoint", "password")},
    types.KafkaAclType: {("endpoint", "password")},
    types.ProcessType: {("files", "*")},
    types.PrivateFilesType: {("files", "*")},
    types.KonnectControlPlaneType: {("api", "token")},
    types.KonnectDataPlaneCertificateType: {("api", "token")},
}


@pytest.mark.parametrize("kind", SECRETS)
def test_what_is_secret_in_each_type(kind: type[ResourceType]) -> None:
    assert set(kind.secrets) == SECRETS[kind]


@pytest.mark.parametrize("kind", SECRETS)
def test_each_default_passes_its_own_check(kind: type[ResourceType]) -> None:
    optional = {name: it for name, it in kind.inputs.items() if it.default is not REQUIRED}
    defaults, problems = check_fields(optional, {})
    assert not problems
    assert check_fields(optional, defaults) == (defaults, [])


def test_servers_are_a_text_or_a_list() -> None:
    servers = [{"host": "a", "port": 1}, {"host": "b"}]
    assert types.bootstrap_servers(servers) == types.bootstrap_servers("a:1,b:9092")

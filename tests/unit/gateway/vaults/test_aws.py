# SPDX-License-Identifier: Apache-2.0
"""AWS' own client against an endpoint of this machine that answers as Secrets Manager does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gateway.entities.vault_kinds import AwsVault
from gateway.errors import SecretMissing, VaultError
from gateway.vaults.aws import SecretsManager
from gateway.vaults.backend import Surroundings
from tests.support.missing_module import take_away

SECRETS = {
    ("kafka/prod", "AWSCURRENT"): {"SecretString": '{"password": "new"}'},
    ("kafka/prod", "AWSPREVIOUS"): {"SecretString": '{"password": "old"}'},
    ("binary", "AWSCURRENT"): {"SecretBinary": "AAE="},
}


class FakeSecretsManager(BaseHTTPRequestHandler):
    """The call GetSecretValue of AWS' JSON protocol 1.1."""

    def do_POST(self) -> None:
        """Answer."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
        assert "Credential=AKIDTEST/" in self.headers["Authorization"]
        found: dict[str, Any] | None = SECRETS.get((asked["SecretId"], asked["VersionStage"]))
        if asked["SecretId"] == "forbidden":
            status, found = 400, {"__type": "AccessDeniedException", "message": "no"}
        elif found is None:
            status, found = 400, {"__type": "ResourceNotFoundException", "message": "no"}
        else:
            status = 200
        content = json.dumps(found).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "aws-secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    server = ThreadingHTTPServer(("127.0.0.1", 0), FakeSecretsManager)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def manager(url: str) -> SecretsManager:
    return SecretsManager(AwsVault(region="eu-central-1", endpoint_url=url), Surroundings({}))


def test_the_current_version_and_the_previous_one(url: str) -> None:
    one = manager(url)
    assert one.fetch("kafka/prod", None, None).content == '{"password": "new"}'
    assert one.fetch("kafka/prod", None, 1).content == '{"password": "new"}'
    assert one.fetch("kafka/prod", None, 2).content == '{"password": "old"}'


def test_what_aws_does_not_give_is_told_without_credentials(url: str) -> None:
    one = manager(url)
    with pytest.raises(SecretMissing, match="AWS has no secret none"):
        one.fetch("none", None, None)
    with pytest.raises(VaultError, match="AWS refuses forbidden: AccessDeniedException") as caught:
        one.fetch("forbidden", None, None)
    assert "aws-secret" not in str(caught.value)
    with pytest.raises(VaultError, match="is binary"):
        one.fetch("binary", None, None)


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    take_away(monkeypatch, "boto3")
    with pytest.raises(VaultError, match=r"install kafka-gateway\[vault-aws\]"):
        SecretsManager(AwsVault(), Surroundings({}))

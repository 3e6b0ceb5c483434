# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes API in as much as the lab itself uses it, with the standard library only."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any


class Api:
    """An API server, by a kubeconfig of the lab's own form. Raises OSError where it is not there"""

    def __init__(self, kubeconfig: Path) -> None:
        known = json.loads(kubeconfig.read_text())
        cluster = known["clusters"][0]["cluster"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._server = cluster["server"]
        self._token = known["users"][0]["user"]["token"]
        self._tls = ssl.create_default_context(cadata=authority)

    def text(self, path: str, method: str = "GET", body: Any = None, kind: str = "json") -> str:
        """Return what the server answers; HTTPError, an OSError, for anything but success."""
        request = urllib.request.Request(  # noqa: S310 - the lab's own server
            self._server + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": f"application/{kind}",
            },
        )
        with urllib.request.urlopen(request, timeout=10, context=self._tls) as response:  # noqa: S310
            return str(response.read().decode())

    def get(self, path: str) -> Any:
        """Return an object."""
        return json.loads(self.text(path))

    def create(self, path: str, body: Any) -> None:
        """Make an object; one that is there already stays as it is."""
        try:
            self.text(path, "POST", body)
        except urllib.error.HTTPError as error:
            if error.code != 409:
                raise

    def merge(self, path: str, body: Any) -> None:
        """Change an object by a JSON merge patch (RFC 7396)."""
        self.text(path, "PATCH", body, "merge-patch+json")

    def exists(self, path: str) -> bool:
        """Tell whether an object is there."""
        try:
            self.text(path)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise
        return True

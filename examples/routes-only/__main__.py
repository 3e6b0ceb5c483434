# SPDX-License-Identifier: Apache-2.0
"""Routes on a control plane that is there, and nothing else.

`pulumi config set adminUrl http://127.0.0.1:8001`, `pulumi config set --secret adminToken …`.
"""

from __future__ import annotations

from pathlib import Path

import pulumi

from gateway.documents.deck import load_deck
from provider.client import Configuration

config = pulumi.Config()
routes = Configuration(
    "routes",
    admin={"url": config.require("adminUrl"), "token": config.require_secret("adminToken")},
    owner=f"{pulumi.get_project()}-{pulumi.get_stack()}",
    document=load_deck(Path(__file__).with_name("routes.yaml"), {}),
    message="from examples/routes-only",
)
pulumi.export("release", routes.release)

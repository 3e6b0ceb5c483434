# SPDX-License-Identifier: Apache-2.0
"""The Pulumi program: read the configuration, pick the platform, export what it hands on."""

from __future__ import annotations

import pulumi

from components.config.reader import ConfigReader

reader = ConfigReader.of_this_run()
if reader.choice("platform", ("local", "cloud")) == "local":
    from components.local.stack import stand_up
else:
    from components.cloud.stack import stand_up

for name, value in stand_up(reader).items():
    pulumi.export(name, value)

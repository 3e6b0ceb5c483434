# SPDX-License-Identifier: Apache-2.0
"""Stack configuration as frozen dataclasses; nothing else in the program reads `pulumi config`."""

from __future__ import annotations

from components.config.local import LocalConfig, Ports
from components.config.reader import ConfigError, ConfigReader
from components.config.topics import TopicConfig

__all__ = ["ConfigError", "ConfigReader", "LocalConfig", "Ports", "TopicConfig"]

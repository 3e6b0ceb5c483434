# SPDX-License-Identifier: Apache-2.0
"""What ``kafka-gateway config`` and ``release`` do: read, compare, show, publish."""

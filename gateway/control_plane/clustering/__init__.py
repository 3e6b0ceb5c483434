# SPDX-License-Identifier: Apache-2.0
"""The control plane's side of the hybrid protocol v1: WebSockets over mutual TLS."""

# SPDX-License-Identifier: Apache-2.0
"""Publishing a keyed document: to our control plane as one release, to Konnect by entity."""

# SPDX-License-Identifier: Apache-2.0
"""Vault references, and the vaults that they point into."""

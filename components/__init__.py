# SPDX-License-Identifier: Apache-2.0
"""The Pulumi components: one noun a file."""

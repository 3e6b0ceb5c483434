# SPDX-License-Identifier: Apache-2.0
"""Our Pulumi resource provider, package ``gateway``: a gRPC plugin, and its client-side classes."""

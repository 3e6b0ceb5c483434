# SPDX-License-Identifier: Apache-2.0
"""Documents keyed by names, decK files, and what differs between two of them."""

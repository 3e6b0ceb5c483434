# SPDX-License-Identifier: Apache-2.0
"""The Admin API: Kong's reads and writes of single entities, and the publishing of releases."""

# SPDX-License-Identifier: Apache-2.0
"""A package, so that the lab ends with the last of its tests and not with the session."""

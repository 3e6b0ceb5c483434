# SPDX-License-Identifier: Apache-2.0
"""The resource types, one a file."""

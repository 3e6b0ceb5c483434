# SPDX-License-Identifier: Apache-2.0
"""The implementations of the resource types, one a file."""

# SPDX-License-Identifier: Apache-2.0
"""The stack on one machine: the same things as in the cloud, as processes."""

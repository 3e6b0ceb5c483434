# SPDX-License-Identifier: Apache-2.0
"""What the plugins that log share: the entry of a request, queues that hold entries, and counts."""

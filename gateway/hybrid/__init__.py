# SPDX-License-Identifier: Apache-2.0
"""Kong's hybrid protocol: what both of its ends share, and the two ends' sockets."""

# SPDX-License-Identifier: Apache-2.0
"""What the plugins that limit share: who is counted together, windows of time, counts in Redis."""

# SPDX-License-Identifier: Apache-2.0
"""Redis, and what speaks its protocol: settings, clients that a worker's plugins share."""

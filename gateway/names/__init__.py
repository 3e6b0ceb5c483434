# SPDX-License-Identifier: Apache-2.0
"""How things are named: addresses and topics, near spellings, paths of properties."""

# SPDX-License-Identifier: Apache-2.0
"""Processes of this machine: started detached, found again, waited for and stopped."""

# SPDX-License-Identifier: Apache-2.0
"""The stack in the cloud: what it is made of, each part made here or brought along."""

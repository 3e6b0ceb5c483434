# SPDX-License-Identifier: Apache-2.0
"""The schema registry: fetching schemas, and records in Confluent's wire format."""

# SPDX-License-Identifier: Apache-2.0
"""Producing to Kafka: librdkafka driven from the event loop, and what goes into a record."""

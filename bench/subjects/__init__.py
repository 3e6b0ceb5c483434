# SPDX-License-Identifier: Apache-2.0
"""The servers that the gateway is compared with; each is a module to run with ``python -m``.

All take ``--port``; those that write to Kafka read librdkafka settings and the topic as JSON from
the environment variable ``BENCH_KAFKA``: ``{"client": {...}, "topic": "..."}``.
"""

# SPDX-License-Identifier: Apache-2.0
"""The commands of ``kafka-gateway``, one file each; ``command_line`` puts them together.

Imports nothing: ``run`` must not wait for what the other commands need.
"""

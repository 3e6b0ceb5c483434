# SPDX-License-Identifier: Apache-2.0
"""A worker of a data plane: it serves requests and nothing else."""

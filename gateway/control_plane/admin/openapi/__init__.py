# SPDX-License-Identifier: Apache-2.0
"""The Admin API described as OpenAPI 3.1, made from the models and the routes."""

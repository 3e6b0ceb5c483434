# SPDX-License-Identifier: Apache-2.0
"""What the plugins share that let a request pass for a token: where it stands, whether it is
signed, how long it is known, what it claims.
"""

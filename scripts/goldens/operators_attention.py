# SPDX-License-Identifier: Apache-2.0
"""Goldens of autograd/rows/attention.cpp: PyTorch's own attention, which keeps all scores. Called from operators.py."""
import torch.nn.functional as F

SETTINGS = [(2, 5, 7, 4, 3, 1), (1, 1, 7, 4, 5, 1), (3, 4, 1, 2, 2, 0.5), (1, 2, 521, 2, 1, 1), (1, 131, 4, 2, 3, 1), (2, 33, 40, 8, 9, 1),
            (2, 33, 40, 8, 16, 1)]


def attention(t):
    for i, (n, p, s, d, c, scale) in enumerate(SETTINGS):
        t.case('attention', i, [('free', (n, p, d)), ('free', (n, s, d)), ('free', (n, s, c))],
               lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=scale))

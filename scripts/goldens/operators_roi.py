# SPDX-License-Identifier: Apache-2.0
"""Goldens of autograd/operator_rows_roi.cpp: torchvision's roi_align, level by level. Called from operators.py."""
import torch
from torchvision.ops import roi_align

BOXES = [[[3.2, 4.1, 17.5, 11.0], [0, 0, 48, 40], [20, 1.5, 21, 39], [30.3, 22.2, 60, 55], [-6, -4, 5.5, 7.25], [0, 0, 0, 0]],
         [[8, 8, 40, 32], [5, 5, 6, 6], [12.1, 3.3, 47.9, 38.8], [41, 33, 48, 40], [1, 30, 20, 36], [2, 2, 30, 28]]]
LEVELS = [[0, 2, 1, 0, 1, -1], [1, 0, 2, 0, 0, 1]]


def pyramid(levels, pooled, ratio, aligned):
    rows = []
    for image in range(2):
        for box, level in zip(BOXES[image], LEVELS[image]):
            if level < 0:
                rows.append(torch.zeros(1, levels[0].shape[1], pooled, pooled, dtype=torch.float64))
                continue
            roi = torch.tensor([[image] + box], dtype=torch.float32).double()
            rows.append(roi_align(levels[level], roi, pooled, 0.25 / 2 ** level, ratio, aligned))
    return torch.cat(rows)


def roi(t):
    for i, (channels, pooled, ratio, aligned) in enumerate(((3, 7, 2, False), (5, 3, 2, True), (2, 2, 0, False), (8, 4, 0, True), (70, 2, 1, False))):
        inputs = [('free', (2, channels, h, w)) for h, w in ((10, 12), (5, 6), (3, 3))]
        t.case('roi_align', i, inputs, lambda *x, p=pooled, r=ratio, a=aligned: pyramid(x, p, r, a))

# SPDX-License-Identifier: Apache-2.0
"""Goldens of autograd/rows/roi_align.cpp: torchvision.ops.roi_align level by level. Called from operators.py."""
import numpy as np
import torch
import torchvision

from golden import real
from philox import Random

IMAGE = 64


def boxes_about(n):
    u = Random(13, 'rois').uniform_double(4 * n).reshape(n, 4)
    most = np.where(np.arange(n) % 7 == 6, 1, 0.9 * IMAGE)
    x, y = IMAGE * (1.2 * u[:, 0] - 0.2), IMAGE * (1.2 * u[:, 1] - 0.2)
    sides = np.stack([x, y, x + most * u[:, 2], y + most * u[:, 3]], 1)
    return real(sides.astype(np.float32))


def pooled_by_level(levels, of_image, pooled, sampling, aligned, scales):
    n = levels[0].shape[0] * of_image
    boxes, r = boxes_about(n), torch.arange(n)
    rois = torch.cat([real(r // of_image)[:, None], boxes], 1)
    level_of = torch.where(r % 5 == 3, -1, r % len(levels))
    y = torch.zeros(n, levels[0].shape[1], pooled, pooled)
    for level, (x, scale) in enumerate(zip(levels, scales)):
        on = torch.nonzero(level_of == level).flatten()
        y = y.index_copy(0, on, torchvision.ops.roi_align(x, rois[on], pooled, scale, sampling if sampling > 0 else -1, aligned))
    return y


def roi_align(t):
    cases = [([(2, 8, 16, 16), (2, 8, 8, 8)], 6, 3, 2, False, [0.25, 0.125]),
             ([(2, 5, 13, 17), (2, 5, 7, 9)], 6, 3, 2, True, [0.25, 0.125]),
             ([(1, 16, 12, 9)], 8, 2, 0, False, [0.2]),
             ([(3, 3, 16, 16), (3, 3, 5, 7), (3, 3, 1, 1)], 5, 2, 0, True, [0.25, 0.1, 1 / 64]),
             ([(1, 77, 16, 16), (1, 77, 8, 8)], 9, 7, 2, False, [0.25, 0.125]),
             ([(2, 64, 9, 9)], 3, 7, 0, True, [0.125]),
             ([(4, 4, 6, 5)], 3, 1, 1, False, [0.0625])]
    for i, (shapes, *setting) in enumerate(cases):
        t.case('roi_align', i, [('free', s) for s in shapes], lambda *x: pooled_by_level(x, *setting))

# SPDX-License-Identifier: Apache-2.0
"""Goldens of autograd/rows/{shuffle,weight_norms,content_loss}.cpp: the GAN's operators in PyTorch.
Called from operators.py."""
from types import SimpleNamespace

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils.spectral_norm import SpectralNorm

from golden import real
from philox import Random


def normals(which, n):
    return real(Random(13, which).normal(n).astype(np.float32))


def spectral(w, u, v, iterate):
    """PyTorch's own code on a weight with given u and v, which it changes in place where `iterate`."""
    module = SimpleNamespace(weight_orig=w, weight_u=u, weight_v=v)
    return SpectralNorm('weight', 1, 0, 1e-12).compute_weight(module, do_power_iteration=iterate)


def content(maps, weights):
    total = 0
    for a, b, weight in zip(maps, map(real_map, maps), weights):
        total = total + weight * F.l1_loss(a, b, reduction='sum')
    return total


def real_map(a):
    return real(0.125 * (Random(13, 'coins').bits(a.numel()) & 1)).reshape(a.shape)


def blur(x):
    """fastai's PixelShuffle_ICNR blur."""
    return F.avg_pool2d(F.pad(x, (1, 0, 1, 0), mode='replicate'), 2, stride=1)


def gan(t):
    for i, shape in enumerate([(2, 8, 3, 5), (1, 4, 2, 3), (3, 36, 1, 4), (2, 12, 7, 2)]):
        t.case('pixel_shuffle', i, [('free', shape)], lambda x: F.pixel_shuffle(x, 2))
    for i, shape in enumerate([(2, 3, 5, 4), (1, 2, 4, 3), (2, 9, 1, 1), (1, 16, 1, 5), (2, 1, 6, 1)]):
        t.case('blur', i, [('free', shape)], blur)
    for i, shape in enumerate([(6, 5), (4, 3, 3, 2), (4, 3, 3, 2), (3, 1101), (1, 9)]):
        t.case('spectral_norm', i, [('free', shape)],
               lambda w: spectral(w, normals('u', w.shape[0]), normals('v', w[0].numel()), i == 4))
    for i, (v, g) in enumerate([((5, 7), (5, 1)), ((4, 3, 3, 2), (4,)), ((8, 3, 2, 2), (8, 1, 1, 1)), ((2, 300), (2, 1))]):
        t.case('weight_norm', i, [('free', v), ('free', g)],
               lambda v, g: torch._weight_norm(v, g.reshape((-1,) + (1,) * (v.ndim - 1)), 0))
    t.case('content_loss', 0, [('apart', (2, 3, 4, 5)), ('apart', (2, 7))], lambda *a: content(a, (0.5, 0.25)))
    t.case('content_loss', 1, [('apart', (3, 5, 3, 3))], lambda *a: content(a, (0.01,)))
    t.case('content_loss', 2, [('apart', (9, 2, 33, 31))], lambda *a: content(a, (1 / 2048,)))


def gan_primitives(put, numbers):
    """Two steps of torch.nn.utils.spectral_norm; factors in place."""
    for variant, shape in enumerate([(37, 1101), (12, 6, 3, 3), (1, 40), (9, 5)]):
        w = numbers(shape, 'spectral w', -0.5, 1)
        u, v = numbers((shape[0],), 'spectral u'), numbers((w[0].numel(),), 'spectral v')
        for _ in range(2):
            y = spectral(w, u, v, variant != 3)
        put('spectral_norm_steps', variant, u, v, torch.dot(u, torch.mv(w.flatten(1), v)).reshape(1), y)
    for variant, scale in enumerate((3.25, 0.5)):
        put('scale_each', variant, 2 * scale * numbers((3, 37, 5, 4), 'scaled'), 0.75 * scale * numbers((1001,), 'scaled too'))

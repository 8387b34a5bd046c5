# SPDX-License-Identifier: Apache-2.0
"""Median times of PyTorch for shapes of the kernel cases, on the GPU: one JSON object per line, as cawe_device_cases prints.

usage: python3 scripts/peer/torch_kernels.py     (torch with CUDA; torchvision for NMS)
"""
import json
import statistics

import torch


def cases():
    """(case's name, case's shape, a call) for cases that PyTorch has one operation or a short chain for."""
    d = dict(device='cuda')
    g = torch.randn(1, 256, 56, 56, **d)
    yield 'cawe_weights', 'f32 1x256x56x56', lambda: g.relu().mean((2, 3))
    n = torch.randn(1, 512, 16, 16, **d).to(memory_format=torch.channels_last)
    yield 'cawe_weights_nhwc', 'f32 1x512x16x16', lambda: n.relu().mean((2, 3))
    s = torch.randn(64, 100, **d)
    yield 'softmax', 'f32 64x100', lambda: s.softmax(1)
    x, t = torch.randn(2, 16384, **d), torch.randint(0, 2, (2, 16384), **d).float()

    def focal():
        p, ce = x.sigmoid(), torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction='none')
        return ((0.25 * t + 0.75 * (1 - t)) * (p * (1 - t) + (1 - p) * t) ** 2 * ce).sum(1)
    yield 'focal_loss', 'f32 2x16384', focal
    a = torch.randn(2, 16, 32, 32, **d)
    scale, shift = torch.randn(1, 16, 1, 1, **d), torch.randn(1, 16, 1, 1, **d)
    yield 'channel_affine', 'f32 2x16x32x32 relu', lambda: torch.addcmul(shift, a, scale).relu()
    r = torch.randn(2, 3, 5, 7, **d)
    yield 'resize_bilinear', 'f32 2x3x5x7 to 11x13', lambda: torch.nn.functional.interpolate(r, (11, 13), mode='bilinear')
    v = torch.randn(1000, **d)
    yield 'top_k', 'f32 1000 k 37', lambda: v.topk(37)
    try:
        import torchvision
    except ImportError:
        return
    corner = torch.rand(500, 2, **d) * 200
    boxes, scores = torch.cat([corner, corner + 20 + 60 * torch.rand(500, 2, **d)], 1), torch.rand(500, **d)
    yield 'nms_mask', 'f32 500', lambda: torchvision.ops.nms(boxes, scores, 0.5)


def median_us(call):
    for _ in range(10):
        call()
    times = []
    for _ in range(50):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        call()
        end.record()
        end.synchronize()
        times.append(1000 * begin.elapsed_time(end))
    return statistics.median(times)


for name, shape, call in cases():
    print(json.dumps({'name': name, 'shape': shape, 'median_us': round(median_us(call), 3)}))

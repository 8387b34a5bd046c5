# SPDX-License-Identifier: Apache-2.0
"""Goldens for tests/models/vgg_parity_test.cpp: torchvision's VGG-19 without batch norm, an eighth as wide, on weights and
inputs made by Philox; the content loss on it by absolute differences and by squares, with the gradient.

usage: python3 scripts/goldens/vgg.py [tests/goldens]   (torch and torchvision from PyPI)
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision

from golden import laid, run
from models import fill, picture

RELUS = (8, 17, 35)  # behind conv2_2, conv3_4 and conv5_4: the last convolutions before the second, third and fifth pooling


def vgg19(width):
    m = torchvision.models.vgg19(weights=None)
    if width != 64:
        m.features = torchvision.models.vgg.make_layers(
            [v if v == 'M' else v * width // 64 for v in torchvision.models.vgg.cfgs['E']], batch_norm=False)
    del m.classifier
    return m


def maps(net, x, indices):
    out = []
    for i, layer in enumerate(net.features):
        # In place, a ReLU would spoil what the convolution before it gave.
        x = F.relu(x) if isinstance(layer, nn.ReLU) else layer(x)
        if i in indices:
            assert isinstance(layer, nn.ReLU)
            out.append(x)
    return out


def make(golden):
    whole = torchvision.models.vgg19(weights=None)
    assert sum(p.numel() for p in whole.parameters()) == 143667240
    assert len(whole.state_dict()) == 38
    assert sum(p.numel() for p in whole.features.parameters()) == 20024384
    net = fill(vgg19(8)).eval()
    real, made = (picture('vgg.' + n, (2, 3, 64, 80)) for n in ('real', 'made'))
    for i, t in zip(RELUS, maps(net, made, RELUS)):
        golden.tensor('relu.%d' % i, t)
    for key, indices, weights, distance in (('mse', (35,), (.006,), F.mse_loss), ('mse_of_three', RELUS, (1, .5, 2), F.mse_loss),
                                            ('l1', (17, 35), (.1, .3), F.l1_loss)):
        y = laid(made.detach()).clone().requires_grad_(True)
        loss = F.l1_loss(y, real)
        for w, a, b in zip(weights, maps(net, y, indices), maps(net, real, indices)):
            loss = loss + w * distance(a, b)
        golden.numbers(key + '.loss', [loss.item()])
        loss.backward()
        golden.tensor(key + '.grad', y.grad)


if __name__ == '__main__':
    run({'vgg19.txt': make})

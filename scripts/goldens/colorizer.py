# SPDX-License-Identifier: Apache-2.0
"""Goldens for tests/models/colorizer_parity_test.cpp: the colorization GAN in plain PyTorch, written from its description
and laid out like DeOldify's files, on weights and inputs made by Philox.

usage: python3 scripts/goldens/colorizer.py [tests/goldens]   (torch and torchvision from PyPI)
"""
import os
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
from torch.nn.utils import spectral_norm, weight_norm

from golden import SEED, laid, real, run
from models import parity_values, picture
from philox import Random


def sn(i, o, k, stride=1, padding=None, bias=False):
    return spectral_norm(nn.Conv2d(i, o, k, stride, (k - 1) // 2 if padding is None else padding, bias=bias))


class Attention(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.query, self.key, self.value = (spectral_norm(nn.Conv1d(c, o, 1, bias=False)) for o in (c // 8, c // 8, c))
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        flat = x.flatten(2)
        f, g, h = self.query(flat), self.key(flat), self.value(flat)
        beta = F.softmax(f.transpose(1, 2) @ g, dim=1)
        return (self.gamma * (h @ beta) + flat).view_as(x)


def shuffle(x):
    n, c, h, w = x.shape
    return x.view(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // 4, 2 * h, 2 * w)


def conv_relu_norm(i, o, attention=False):
    return nn.Sequential(sn(i, o, 3), nn.ReLU(), nn.BatchNorm2d(o), *([Attention(o)] if attention else []))


class Shuf(nn.Module):
    """Pixel shuffle; with `normed` spectral norm, batch norm and blur, else weight norm and a bias."""

    def __init__(self, i, o, normed=True):
        super().__init__()
        self.normed = normed
        self.conv = nn.Sequential(*([sn(i, 4 * o, 1), nn.BatchNorm2d(4 * o)] if normed
                                    else [weight_norm(nn.Conv2d(i, 4 * o, 1))]))

    def forward(self, x):
        y = shuffle(F.relu(self.conv(x)))
        return F.avg_pool2d(F.pad(y, (1, 0, 1, 0), mode='replicate'), 2, stride=1) if self.normed else y


class Up(nn.Module):
    def __init__(self, i, skip, halved, attention):
        super().__init__()
        self.shuf = Shuf(i, i // 2)
        self.bn = nn.BatchNorm2d(skip)
        joined = i // 2 + skip
        self.out = int(1.5 * (joined // 2 if halved else joined))
        self.conv1 = conv_relu_norm(joined, self.out)
        self.conv2 = conv_relu_norm(self.out, self.out, attention)

    def forward(self, x, skip):
        return self.conv2(self.conv1(F.relu(torch.cat([self.shuf(x), self.bn(skip)], 1))))


class Residual(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.layers = nn.Sequential(*(nn.Sequential(sn(c, c, 3, bias=True), nn.ReLU()) for _ in range(2)))

    def forward(self, x):
        return self.layers(x) + x


def resnet34(width):
    """torchvision's, with every layer `width` / 64 as wide."""
    m = torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [3, 4, 6, 3])
    if width != 64:
        m.inplanes = width
        m.conv1, m.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        for i, (blocks, stride) in enumerate(((3, 1), (4, 2), (6, 2), (3, 2))):
            layer = m._make_layer(torchvision.models.resnet.BasicBlock, width << i, blocks, stride)
            setattr(m, 'layer%d' % (i + 1), layer)
    return m


class Generator(nn.Module):
    def __init__(self, width):
        super().__init__()
        r = resnet34(width)
        body = nn.Sequential(r.conv1, r.bn1, r.relu, r.maxpool, r.layer1, r.layer2, r.layer3, r.layer4)
        top = 8 * width
        middle = nn.Sequential(conv_relu_norm(top, 2 * top), conv_relu_norm(2 * top, top))
        ups = []
        for i, skip in enumerate((4 * width, 2 * width, width, width)):
            ups.append(Up(top, skip, i == 3, i == 1))
            top = ups[-1].out
        self.layers = nn.ModuleList([body, nn.BatchNorm2d(8 * width), nn.ReLU(), middle, *ups, Shuf(top, top, False),
                                     nn.Identity(), Residual(top + 3), nn.Sequential(sn(top + 3, 3, 1, bias=True))])

    def forward(self, x):
        body, maps, y = self.layers[0], [], x
        for i, layer in enumerate(body):
            y = layer(y)
            if i in (2, 4, 5, 6):
                maps.append(y)
        y = self.layers[3](self.layers[2](self.layers[1](y)))
        for up, skip in zip(self.layers[4:8], reversed(maps)):
            y = up(y, skip)
        y = torch.cat([self.layers[8](y), x], 1)
        return self.layers[11](self.layers[10](y)).sigmoid() * 6 - 3


class Critic(nn.Module):
    def __init__(self, width):
        super().__init__()
        c = width
        self.first = sn(3, c, 4, 2, 1, True)
        self.block = nn.ModuleList()
        for i in range(3):
            self.block.append(nn.ModuleDict({'conv': sn(c, c, 3, bias=True), 'down': sn(c, 2 * c, 4, 2, 1, True)}))
            c *= 2
            if i == 0:
                self.block[0]['attention'] = Attention(c)
        self.last = nn.ModuleList([sn(c, c, 3, bias=True), sn(c, 1, 4, 1, 0)])

    def forward(self, x, masks):
        def act(v):
            return F.leaky_relu(v, 0.2)
        y = act(self.first(x)) * masks[0]
        for i, block in enumerate(self.block):
            y = act(block['down'](act(block['conv'](y)) * masks[i + 1]))
            if 'attention' in block:
                y = block['attention'](y)
        return self.last[1](act(self.last[0](y))).flatten(1)


def masks_of(width, step, items):
    """Channel dropout of the shares .075, .15, .15, .15."""
    out = []
    for layer, (c, p) in enumerate(((width, .075), (width, .15), (2 * width, .15), (4 * width, .15))):
        draws = [Random(SEED, 'dropout real', step, layer, i).uniform_double(c) for i in range(items)]
        kept = np.float64(np.float32(1 / (1 - p)))
        out.append(real((np.stack(draws) >= p) * kept).reshape(items, c, 1, 1))
    return out


def our_name(name):
    """DeOldify's names as this project has them."""
    head, _, rest = name.partition('.')[2].partition('.')
    n = int(head)
    if n == 0:
        k, _, tail = rest.partition('.')
        return 'encoder.' + {'0': 'conv1', '1': 'bn1'}.get(k, 'layer%d' % (int(k) - 3)) + '.' + tail
    part = {'0': 'conv', '2': 'norm'}
    if n == 1:
        return 'middle_norm.' + rest
    if n == 3:
        i, k, tail = rest.split('.')
        return 'middle.%s.%s.%s' % (i, part[k], tail)
    if 4 <= n <= 7:
        words = rest.split('.')
        if words[0] == 'shuf':
            words = ['shuffle', {'0': 'conv', '1': 'norm'}[words[2]]] + words[3:]
        elif words[0] == 'bn':
            words[0] = 'skip_norm'
        elif words[1] == '3':
            words = ['attention'] + words[2:]
        else:
            words[1] = part[words[1]]
        return 'up.%d.%s' % (n - 4, '.'.join(words))
    return {8: 'last_shuffle.', 10: 'residual.%s.' % rest.split('.')[1], 11: 'to_rgb.'}[n] + rest.split('.')[-1]


def fill(model, rename=lambda n: n):
    """Philox by our names and our shapes: attention's kernels have two more dimensions here, and as many numbers."""
    state = model.state_dict()
    for name, t in state.items():
        if name.endswith('num_batches_tracked'):
            continue
        shape = tuple(t.shape) + ((1,) if t.dim() == 3 else ())
        state[name] = torch.from_numpy(parity_values(rename(name), shape)).reshape(t.shape)
    model.load_state_dict(state)
    return laid(model.to(torch.get_default_dtype()))


def gradients(golden, key, model, names, rename=lambda n: n):
    params = {rename(n): p for n, p in model.named_parameters()}
    for name in names:
        golden.tensor('%s.grad.%s' % (key, name), params[name].grad)


def phi_maps(phi, x):
    if isinstance(phi, torchvision.models.ResNet):
        x = phi.maxpool(F.relu(phi.bn1(phi.conv1(x))))
        out = []
        for layer in (phi.layer1, phi.layer2, phi.layer3):
            x = layer(x)
            out.append(x)
        return out
    out = []
    for i, layer in enumerate(phi.features[:43]):
        x = layer(x)
        if i in (22, 32, 42):
            out.append(x)
    return out


def content(phi, weights, per_channel, generated, real):
    loss = F.l1_loss(generated, real)
    for w, a, b in zip(weights, phi_maps(phi, generated), phi_maps(phi, real)):
        loss = loss + w * F.l1_loss(a, b) * (1 if per_channel else a.shape[1])
    return loss


def vgg16_bn(width):
    m = torchvision.models.vgg16_bn(weights=None)
    if width != 64:
        m.features = torchvision.models.vgg.make_layers(
            [v if v == 'M' else v * width // 64 for v in torchvision.models.vgg.cfgs['D']], batch_norm=True)
    del m.classifier
    return m


G_WATCHED = ['encoder.conv1.weight', 'encoder.layer3.2.conv1.weight', 'encoder.layer4.0.bn1.bias', 'middle_norm.weight',
             'middle.0.conv.weight_orig', 'up.0.shuffle.conv.weight_orig', 'up.1.attention.gamma',
             'up.1.attention.query.weight_orig', 'up.1.attention.key.weight_orig', 'up.1.attention.value.weight_orig',
             'up.2.skip_norm.bias', 'up.3.conv2.conv.weight_orig', 'last_shuffle.weight_g', 'last_shuffle.weight_v',
             'last_shuffle.bias', 'residual.0.weight_orig', 'to_rgb.weight_orig', 'to_rgb.bias']
D_WATCHED = ['first.weight_orig', 'first.bias', 'block.0.attention.gamma', 'block.0.attention.key.weight_orig',
             'block.1.down.weight_orig', 'block.2.conv.bias', 'last.0.weight_orig', 'last.1.weight_orig']


def make(golden):
    assert sum(p.numel() for p in Generator(64).parameters()) == 63646881
    assert sum(p.numel() for p in Critic(256).parameters()) == 94555649
    generator, critic = fill(Generator(8), our_name), fill(Critic(8))
    gray, real = picture('colorizer.gray', (2, 1, 64, 64)), picture('colorizer.real', (2, 3, 64, 64))
    x = laid(gray.expand(2, 3, 64, 64))

    # Generator: a step in training, and one in evaluation with the buffers that it left behind. In training the norms
    # of this narrow network amplify rounding so much that PyTorch's own f32 gradients are 2 % off.
    phi = fill(resnet34(16)).eval()
    critic.eval()
    ones = [torch.ones(1)] * 4
    for key in ('training', 'evaluating'):
        generator.train(key == 'training')
        generator.zero_grad()
        made = generator(x)
        golden.tensor('generator.' + key, made)
        logits = critic(made, ones)
        golden.tensor('critic.' + key, logits)
        parts = content(phi, (1, 1, 1), True, made, real), F.softplus(-logits).mean()
        golden.numbers('losses.' + key, [v.item() for v in parts])
        (parts[0] + 0.5 * parts[1]).backward()
        gradients(golden, key, generator, G_WATCHED, our_name)
    made = made.detach()
    state = {our_name(n): t for n, t in generator.state_dict().items()}
    for name in ('up.0.shuffle.conv.weight_u', 'residual.1.weight_v', 'up.1.attention.query.weight_u',
                 'middle.0.norm.running_mean'):
        golden.tensor('generator.' + name, state[name])

    # Critic: a training step with dropout, on 4 logits an image.
    critic.train()
    critic.zero_grad()
    a, b = (picture('colorizer.' + n, (2, 3, 80, 80)) for n in ('a', 'b'))
    d_real, d_fake = critic(a, masks_of(8, 3, 2)), critic(b, ones)
    golden.tensor('critic.real', d_real)
    golden.tensor('critic.fake', d_fake)
    loss = F.softplus(-d_real).mean() + F.softplus(d_fake).mean()
    golden.numbers('critic.loss', [loss.item()])
    loss.backward()
    gradients(golden, 'critic', critic, D_WATCHED)

    # Content loss by each phi and both norms.
    for key, net, weights, per_channel in (('resnet34', phi, (1, 1, 1), True), ('resnet34_hw', phi, (1, .5, 2), False),
                                           ('vgg16_bn', fill(vgg16_bn(8)).eval(), (20, 70, 10), True)):
        y = made.clone().requires_grad_(True)
        loss = content(net, weights, per_channel, y, real)
        golden.numbers('content.' + key, [loss.item()])
        loss.backward()
        golden.tensor('content.%s.grad' % key, y.grad)


def names(out):
    with open(os.path.join(out, 'deoldify_names.txt'), 'w') as f:
        for name, t in Generator(8).state_dict().items():
            f.write(' '.join([name, our_name(name)] + [str(d) for d in t.shape]) + '\n')


if __name__ == '__main__':
    run({'colorizer.txt': make})
    if '--f32' not in sys.argv:
        names(sys.argv[1] if len(sys.argv) > 1 else 'tests/goldens')

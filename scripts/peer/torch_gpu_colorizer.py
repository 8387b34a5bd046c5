# SPDX-License-Identifier: Apache-2.0
"""The colorizer's generator and critic in PyTorch, for torch_gpu_networks.py: laid out as scripts/goldens/colorizer.py has
them, which our networks agree with (63,646,881 and 94,555,649 parameters). Left as ours has it: inference divides by spectral
norms in each pass.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision

import torch_gpu_kernels
from torch_gpu_kernels import ATTENTIONS, attention_times, shuffled


class Spectral(nn.Module):
    """A convolution by weight / its largest singular value. In f32 whatever the network computes in, as ours; torch's hook
    would convert the weight to 16 bits three times a pass. The matrix is [out, k k in]: of a channels-last weight a view."""

    def __init__(self, i, o, k, stride=1, padding=None, bias=False):
        super().__init__()
        conv = nn.Conv2d(i, o, k, bias=bias)
        self.weight, self.bias = conv.weight, conv.bias
        self.stride, self.padding = stride, (k - 1) // 2 if padding is None else padding
        self.register_buffer('u', F.normalize(torch.randn(o), dim=0))
        self.register_buffer('v', F.normalize(torch.randn(i * k * k), dim=0))

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):
            matrix = self.weight.permute(0, 2, 3, 1).flatten(1)
            u, v = self.u, self.v
            if self.training:
                with torch.no_grad():
                    v = F.normalize(torch.mv(matrix.t(), u), dim=0, eps=1e-12)
                    u = F.normalize(torch.mv(matrix, v), dim=0, eps=1e-12)
                    self.u.copy_(u)
                    self.v.copy_(v)
            weight = self.weight / torch.dot(u, torch.mv(matrix, v))
        return F.conv2d(x, weight, self.bias, self.stride, self.padding)


class WeightNorm(nn.Module):
    """A 1x1 convolution by g v / |v|."""

    def __init__(self, i, o):
        super().__init__()
        conv = nn.Conv2d(i, o, 1)
        self.v, self.bias = conv.weight, conv.bias
        self.g = nn.Parameter(conv.weight.detach().flatten(1).norm(dim=1).view(o, 1, 1, 1))

    def forward(self, x):
        with torch.autocast(x.device.type, enabled=False):
            weight = torch._weight_norm(self.v, self.g, 0)
        return F.conv2d(x, weight, self.bias)


class Attention(nn.Module):
    """Computed the way that is fastest here, which its first pass measures, as cuDNN's benchmark does for convolutions."""

    def __init__(self, c):
        super().__init__()
        self.query, self.key, self.value = Spectral(c, c // 8, 1), Spectral(c, c // 8, 1), Spectral(c, c, 1)
        self.gamma = nn.Parameter(torch.zeros(1))
        self.way = None

    def choose(self, *qkv):
        times, _ = attention_times(*(t.detach() for t in qkv), torch.is_grad_enabled(), 5)
        if torch.is_grad_enabled():
            forward, _ = attention_times(*(t.detach() for t in qkv), False, 5)
            times = {way: us + forward[way] for way, us in times.items()}
        self.way = min(times, key=times.get)
        torch_gpu_kernels.SWEEP = None  # it would count as the network's memory

    def forward(self, x):
        # DeOldify's "key" makes what is usually called queries.
        q, k, v = (part(x).permute(0, 2, 3, 1).flatten(1, 2) for part in (self.key, self.query, self.value))
        with torch.autocast(x.device.type, enabled=False):  # which would make the softmax f32, and convert it back
            if self.way is None:
                self.choose(q, k, v)
            y = ATTENTIONS[self.way](q, k, v).view(x.shape[0], x.shape[2], x.shape[3], -1).permute(0, 3, 1, 2)
            return torch.addcmul(x, self.gamma.to(y.dtype), y)


def conv_relu_norm(i, o, attention=False):
    return nn.Sequential(Spectral(i, o, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(o), *([Attention(o)] if attention else []))


class Up(nn.Module):
    def __init__(self, i, skip, halved, attention):
        super().__init__()
        self.widen = nn.Sequential(Spectral(i, 2 * i, 1), nn.BatchNorm2d(2 * i), nn.ReLU(inplace=True))
        self.norm = nn.BatchNorm2d(skip)
        joined = i // 2 + skip
        self.out = int(1.5 * (joined // 2 if halved else joined))
        self.conv1, self.conv2 = conv_relu_norm(joined, self.out), conv_relu_norm(self.out, self.out, attention)

    def forward(self, x, skip):
        # The mean of 2x2 cells, edges repeated above and on the left: there only the cells inside count.
        y = F.avg_pool2d(shuffled(self.widen(x)), 2, 1, padding=1, count_include_pad=False)[:, :, :-1, :-1]
        return self.conv2(self.conv1(F.relu(torch.cat([y, self.norm(skip)], 1), inplace=True)))


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = torchvision.models.resnet34(weights=None)
        del self.encoder.fc
        self.middle_norm = nn.BatchNorm2d(512)
        self.middle = nn.Sequential(conv_relu_norm(512, 1024), conv_relu_norm(1024, 512))
        self.up, top = nn.ModuleList(), 512
        for i, skip in enumerate((256, 128, 64, 64)):
            self.up.append(Up(top, skip, i == 3, i == 1))
            top = self.up[-1].out
        self.last = WeightNorm(top, 4 * top)
        self.residual = nn.Sequential(Spectral(top + 3, top + 3, 3, bias=True), nn.ReLU(inplace=True),
                                      Spectral(top + 3, top + 3, 3, bias=True), nn.ReLU(inplace=True))
        self.to_rgb = Spectral(top + 3, 3, 1, bias=True)

    def forward(self, x):
        body, maps = self.encoder, []
        y = body.relu(body.bn1(body.conv1(x)))
        maps.append(y)
        y = body.maxpool(y)
        for layer in (body.layer1, body.layer2, body.layer3, body.layer4):
            y = layer(y)
            maps.append(y)
        y = self.middle(F.relu(self.middle_norm(maps.pop())))
        for up in self.up:
            y = up(y, maps.pop())
        y = torch.cat([shuffled(F.relu(self.last(y), inplace=True)), x], 1)
        return self.to_rgb(self.residual(y) + y).sigmoid() * 6 - 3


class Critic(nn.Module):
    """Without dropout: the steps of train/model_steps.cpp have none."""

    def __init__(self, c=256):
        super().__init__()
        self.first = Spectral(3, c, 4, 2, 1, True)
        self.blocks = nn.ModuleList()
        for i in range(3):
            self.blocks.append(nn.ModuleList([Spectral(c, c, 3, bias=True), Spectral(c, 2 * c, 4, 2, 1, True)]))
            c *= 2
            if i == 0:
                self.attention = Attention(c)
        self.last = nn.ModuleList([Spectral(c, c, 3, bias=True), Spectral(c, 1, 4, padding=0)])

    def forward(self, x):
        def activated(layer, v):
            return F.leaky_relu(layer(v), 0.2, inplace=True)
        y = activated(self.first, x)
        for i, (conv, down) in enumerate(self.blocks):
            y = activated(down, activated(conv, y))
            y = self.attention(y) if i == 0 else y
        return self.last[1](activated(self.last[0], y)).flatten(1)

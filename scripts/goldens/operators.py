# SPDX-License-Identifier: Apache-2.0
"""Goldens for tests/autograd/golden_test.cpp: PyTorch's outputs and gradients (float64) for cases of
autograd/rows, with the inputs that these draw from Philox.

usage: python3 scripts/goldens/operators.py [tests/goldens]   (torch from PyPI)
"""
import numpy as np
import torch
import torch.nn.functional as F
from torchvision.transforms.functional import normalize

from golden import real, run
from operators_gan import gan, gan_primitives
from operators_attention import attention
from operators_detection import detection
from operators_roi_align import roi_align
from philox import Random


def values(kind, index, shape):
    n = int(np.prod(shape)) if len(shape) else 1
    r = Random(11, 'operator input', index)
    if kind == 'free':
        v = r.normal(n)
    else:
        u = r.uniform_double(2 * n)[0::2]
        if kind == 'apart':
            v = np.where(r.bits(2 * n)[1::2] & 1, 1, -1) * (0.2 + u)
        elif kind == 'positive':
            v = 0.2 + u
        elif kind == 'unit':
            v = u
        else:
            i = np.arange(n)
            v = (i * 7919 % n) / n + 1e-4 * u / n
    return real(v.astype(np.float32).reshape(shape)).requires_grad_(True)


def coins(shape, ignore=False):
    n = int(np.prod(shape))
    v = (Random(13, 'coins').bits(n) & 1).astype(np.float64)
    if ignore:
        v[np.arange(n) % 7 == 3] = -1
    return real(v.reshape(shape))


class Table:
    def __init__(self, golden):
        self.golden = golden

    def case(self, name, index, inputs, function):
        """inputs: (kind, shape) each."""
        x = [values(kind, i, shape) for i, (kind, shape) in enumerate(inputs)]
        y = function(*x)
        dy = real(Random(12, 'operator seed').normal(y.numel()).astype(np.float32)).reshape(y.shape).to(y.dtype)
        grads = torch.autograd.grad(y, x, dy)
        key = '%s.%d' % (name, index)
        self.golden.tensor(key + '.y', y)
        for i, g in enumerate(grads):
            self.golden.tensor('%s.g%d' % (key, i), g)


def focal(x, t, alpha, gamma):
    """torchvision.ops.sigmoid_focal_loss, elements of t < 0 left out; a sum for each row."""
    p, keep = torch.sigmoid(x), t >= 0
    ce = F.binary_cross_entropy_with_logits(x, t.clamp(min=0), reduction='none')
    pt = p * t + (1 - p) * (1 - t)
    weight = alpha * t + (1 - alpha) * (1 - t)
    return (weight * ce * (1 - pt) ** gamma * keep).sum(1)


def smooth(x, mask, beta):
    zero = torch.zeros_like(x)
    loss = F.smooth_l1_loss(x, zero, reduction='none', beta=beta) if beta > 0 else F.l1_loss(x, zero, reduction='none')
    return (loss * mask[..., None]).sum((1, 2))


def elementwise(t):
    unary = [('relu', F.relu, 'apart'), ('leaky_relu', lambda x: F.leaky_relu(x, 0.2), 'apart'), ('sigmoid', torch.sigmoid, 'apart'),
             ('tanh', torch.tanh, 'apart'), ('exp', torch.exp, 'apart'), ('log', torch.log, 'positive'), ('sqrt', torch.sqrt, 'positive'),
             ('square', torch.square, 'apart'), ('abs', torch.abs, 'apart'), ('softplus', F.softplus, 'apart'),
             ('clamp', lambda x: x.clamp(-0.1, 1e9), 'apart'), ('affine', lambda x: -1.5 * x + 0.25, 'apart')]
    for name, f, kind in unary:
        t.case(name, 0, [(kind, (3, 7))], f)
        t.case(name, 1, [(kind, (2, 5, 3, 4))], f)
    for name, f in (('add', torch.add), ('sub', torch.sub), ('mul', torch.mul), ('div', torch.div)):
        for i, (a, b) in enumerate([((4, 5), (4, 5)), ((4, 5), (5,)), ((2, 1, 3), (4, 1)), ((2, 3, 4, 5), (2, 3, 4, 5)), ((2, 3, 4, 5), (1, 3, 1, 1))]):
            t.case(name, i, [('apart', a), ('apart', b)], f)


def networks(t):
    settings = [(1, 3, 9, 11, 5, 3, 1, 1, 1, 1, True, False), (2, 4, 8, 7, 6, 3, 2, 1, 1, 1, False, False), (3, 3, 13, 10, 8, 7, 2, 3, 1, 1, True, False),
                (8, 16, 6, 6, 16, 1, 1, 0, 1, 1, True, False), (2, 6, 9, 9, 4, 3, 1, 2, 2, 1, True, False), (2, 4, 7, 6, 8, 3, 1, 1, 1, 2, True, False),
                (5, 8, 7, 5, 8, 3, 1, 1, 1, 1, True, True), (2, 5, 6, 8, 7, 1, 2, 0, 1, 1, False, False)]
    for i, (n, c, h, w, o, k, stride, pad, dil, groups, bias, relu) in enumerate(settings):
        def conv(x, weight, b=None):
            y = F.conv2d(x, weight, b, stride, pad, dil, groups)
            return F.relu(y) if relu else y
        inputs = [('free', (n, c, h, w)), ('free', (o, c // groups, k, k))] + ([('free', (o,))] if bias else [])
        for layout in (0, 1):
            t.case('conv2d', 2 * i + layout, inputs, conv)
    index = 0
    for training in (True, False):
        for relu in (False, True):
            for residual in (False, True):
                for n in (1, 3, 8):
                    def norm(x, w, b, r=None):
                        mean, var = torch.full((5,), 0.1), torch.full((5,), 0.9)
                        y = F.batch_norm(x, mean, var, w, b, training, 0.1, 1e-5)
                        y = y if r is None else y + r
                        return F.relu(y) if relu else y
                    shape = (n, 5, 4, 3)
                    t.case('batch_norm', index, [('free', shape), ('positive', (5,)), ('free', (5,))] + ([('free', shape)] if residual else []), norm)
                    index += 1
    for i, (shape, p) in enumerate([((2, 3, 8, 9), (3, 2, 1)), ((5, 4, 7, 6), (2, 2, 0)), ((1, 2, 5, 5), (3, 1, 1))]):
        t.case('max_pool2d', i, [('distinct', shape)], lambda x: F.max_pool2d(x, *p))
    t.case('global_avg_pool', 0, [('free', (3, 5, 4, 7))], lambda x: x.mean((2, 3)))
    up = lambda x, a: F.interpolate(x, size=a.shape[2:], mode='nearest') + a
    t.case('upsample_nearest', 0, [('free', (2, 3, 3, 4)), ('free', (2, 3, 6, 8))], up)
    t.case('upsample_nearest', 1, [('free', (1, 3, 3, 5)), ('free', (1, 3, 5, 9))], up)
    for i, (shape, size) in enumerate([((2, 1, 4, 5), (9, 13)), ((1, 3, 8, 7), (5, 3)), ((3, 2, 3, 3), (3, 6))]):
        t.case('resize_bilinear', i, [('free', shape)], lambda x: F.interpolate(x, size=size, mode='bilinear', align_corners=False))


def losses_and_shapes(t):
    t.case('bce_with_logits', 0, [('free', (4, 5))], lambda x: F.binary_cross_entropy_with_logits(x, coins((4, 5)), reduction='none').sum(1))
    t.case('bce_with_logits', 1, [('free', (9, 3))], lambda x: F.binary_cross_entropy_with_logits(
        x, coins((9, 3)), coins((9, 3)), reduction='none', pos_weight=torch.full((3,), 2.5)).sum(1))
    t.case('sigmoid_focal_loss', 0, [('free', (3, 40))], lambda x: focal(x, coins((3, 40), True), 0.25, 2))
    t.case('sigmoid_focal_loss', 1, [('free', (2, 9))], lambda x: focal(x, coins((2, 9)), 0.4, 1.5))
    t.case('sigmoid_focal_loss', 2, [('free', (2, 9))], lambda x: focal(x, coins((2, 9)), 0.4, 0))
    t.case('smooth_l1', 0, [('apart', (2, 6, 4))], lambda x: smooth(x, coins((2, 6)), 0))
    t.case('smooth_l1', 1, [('apart', (3, 5, 4))], lambda x: smooth(x, coins((3, 5)), 0.11))
    t.case('smooth_l1', 2, [('apart', (3, 5, 4))], lambda x: smooth(x, coins((3, 5)), 3.0))
    t.case('softmax', 0, [('free', (5, 7))], lambda x: F.softmax(x, 1))
    t.case('cross_entropy', 0, [('free', (6, 4))], lambda x: F.cross_entropy(x, torch.tensor([0, 3, 1, 2, 2, 0]), reduction='none'))
    t.case('batch_mean', 0, [('free', (7,))], lambda x: x.mean())
    t.case('linear', 0, [('free', (5, 7)), ('free', (3, 7)), ('free', (3,))], F.linear)
    t.case('linear', 1, [('free', (1, 16)), ('free', (9, 16))], F.linear)
    t.case('linear', 2, [('free', (32, 24)), ('free', (10, 24)), ('free', (10,))], F.linear)
    t.case('matmul', 0, [('free', (4, 6)), ('free', (6, 5))], torch.matmul)
    t.case('matmul', 1, [('free', (2, 6, 4)), ('free', (2, 6, 5))], lambda a, b: a.transpose(1, 2) @ b)
    t.case('matmul', 2, [('free', (2, 4, 6)), ('free', (2, 5, 6))], lambda a, b: a @ b.transpose(1, 2))
    t.case('reshape', 0, [('free', (4, 6))], lambda x: x.reshape(3, -1).square())
    t.case('reshape', 1, [('free', (2, 3, 4, 5))], lambda x: x.reshape(2, -1).square())
    t.case('permute', 0, [('free', (2, 3, 4))], lambda x: x.permute(2, 0, 1).square())
    t.case('permute', 1, [('free', (2, 3, 4, 5))], lambda x: x.permute(0, 2, 3, 1).square())
    t.case('slice', 0, [('free', (5, 6))], lambda x: x[:, 2:5])
    t.case('slice', 1, [('free', (4, 3, 2, 2))], lambda x: x[1:3])
    t.case('concat', 0, [('free', (2, 3)), ('free', (2, 5))], lambda a, b: torch.cat([a, b], 1))
    t.case('concat', 1, [('free', (2, 3, 4, 4)), ('free', (2, 2, 4, 4))], lambda a, b: torch.cat([a, b], 1))
    t.case('sum', 0, [('free', (3, 4, 5))], lambda x: x.sum(1))
    t.case('sum', 1, [('free', (3, 4))], lambda x: x.sum())
    t.case('sum', 2, [('free', (2, 3, 4, 5))], lambda x: x.sum((2, 3)))
    t.case('mean', 0, [('free', (3, 4, 5))], lambda x: x.mean((0, 2)))
    t.case('gather_rows', 0, [('free', (6, 3))], lambda x: x[torch.tensor([4, 0, 4, 2])])
    t.case('accumulate', 0, [('free', (4, 4))], lambda x: x * x + torch.sigmoid(x))
    t.case('cast', 0, [('free', (4, 5))], lambda x: x.double() ** 2)


def numbers(shape, purpose, low=-1, high=1):
    """numbers() of autograd/rows/rows.h, in torch's default dtype."""
    u = Random(14, purpose).uniform_double(int(np.prod(shape)))
    return real((low + (high - low) * u).astype(np.float32).reshape(shape))


def optimizer_step(make, p, g, state):
    """p after one step from `state`, and the state after it."""
    p = p.clone().requires_grad_(True)
    p.grad = g
    optimizer = make([p])
    if state is not None:
        optimizer.state[p] = state
    optimizer.step()
    return [p.detach()] + [v for k, v in optimizer.state[p].items() if k != 'step']


def primitives(golden):
    """Rows of primitives in autograd/rows: decisions by torchvision, optimizers by torch.optim."""
    def put(name, variant, *outputs):
        for i, t in enumerate(outputs):
            golden.tensor('%s.%d.out%d' % (name, variant, i), t)

    put('argmax_rows', 0, numbers((9, 17), 'argmax').argmax(1))
    detection(put, numbers)
    for v in (0, 1):
        x = numbers((3, 2, 7, 5), 'min max')
        put('min_max', v, x.amin((1, 2, 3)), x.amax((1, 2, 3)))
        put('cawe_weights', v, F.relu(numbers((3, 6, 5, 7), 'cawe g')).mean((2, 3)))
        w, f = numbers((3, 6), 'cawe w'), numbers((3, 6, 5, 7), 'cawe f')
        put('cawe_map', v, F.relu((w[:, :, None, None] * f).sum(1, keepdim=True)))
        x, m = numbers((2, 3, 9, 8), 'fuse x', 0, 1), numbers((2, 1, 9, 8), 'fuse map', 0, 1)
        put('cawe_fuse', v, x * (0.3 + 0.7 * m))
        w, f = numbers((3, 6), 'cawe w', 0, 1), numbers((3, 6, 5, 7), 'cawe f', 0, 1)
        f[2] = 0.25
        x, raw = numbers((3, 1, 17, 20), 'enhance x', 0, 1), F.relu((w[:, :, None, None] * f).sum(1, keepdim=True))
        large = F.interpolate(raw, (17, 20), mode='bilinear', align_corners=False)
        low, high = large.amin((1, 2, 3)), large.amax((1, 2, 3))
        flat = torch.tensor([False, False, True])
        m = torch.where(flat[:, None, None, None], 0.5, (large - low[:, None, None, None]) / (high - low)[:, None, None, None])
        put('cawe_enhance', v, raw, torch.stack([low, high, flat.to(low.dtype)], 1), x * (0.3 + 0.7 * m))
        velocity = None if v == 0 else {'momentum_buffer': numbers((37, 5), 'sgd v')}
        put('sgd_step', v, *optimizer_step(lambda p: torch.optim.SGD(p, 0.1, 0.9, weight_decay=0.01),
                                           numbers((37, 5), 'sgd p'), numbers((37, 5), 'sgd g'), velocity))
    for v in (0, 1, 2):
        kind = torch.optim.AdamW if v == 1 else torch.optim.Adam
        state = {'step': torch.tensor(float(2 + v)), 'exp_avg': numbers((37, 5), 'adam m'), 'exp_avg_sq': numbers((37, 5), 'adam v', 0, 1)}
        put('adam_step', v, *optimizer_step(lambda p: kind(p, 1e-3, weight_decay=0.1), numbers((37, 5), 'adam p'),
                                            numbers((37, 5), 'adam g'), state))
    def gradient(v, shape, name):  # of a list's first parameter; in the third variant it comes in 16 bits
        g = numbers(shape, name)
        return g.float().to(torch.bfloat16).to(g.dtype) if v == 2 and len(shape) == 2 else g

    for v in range(3):
        factor = 1.0 if v == 0 else 0.5
        outs = []
        for name, shape in (('pgv', (37, 5)), ('qhw', (41,))):
            velocity = None if v == 0 else {'momentum_buffer': numbers(shape, 'sgd ' + name[2])}
            outs.append(optimizer_step(lambda p: torch.optim.SGD(p, 0.1, 0.9, weight_decay=0.01), numbers(shape, 'sgd ' + name[0]),
                                       factor * gradient(v, shape, 'sgd ' + name[1]), velocity))
        put('sgd_steps', v, outs[0][0], outs[1][0], outs[0][1], outs[1][1])
    for v in range(3):
        factor, kind = 1.0 if v == 0 else 0.5, torch.optim.AdamW if v == 1 else torch.optim.Adam
        outs = []
        for p, g, m, w, shape in (('p', 'g', 'm', 'v', (37, 5)), ('q', 'h', 'n', 'w', (41,))):
            state = {'step': torch.tensor(2.0), 'exp_avg': numbers(shape, 'adam ' + m), 'exp_avg_sq': numbers(shape, 'adam ' + w, 0, 1)}
            outs.append(optimizer_step(lambda x: kind(x, 1e-3, weight_decay=0.1), numbers(shape, 'adam ' + p),
                                       factor * gradient(v, shape, 'adam ' + g), state))
        put('adam_steps', v, *[outs[k][i] for i in range(3) for k in range(2)])
    x = numbers((3, 5, 7, 6), 'bn x', -1, 2)
    for v in range(2):
        put('channel_sums', v, torch.stack([x.sum((0, 2, 3)), x.square().sum((0, 2, 3))]))
    w, b = numbers((5,), 'bn w'), numbers((5,), 'bn b')
    running = [numbers((5,), 'bn mean'), numbers((5,), 'bn var', 0.5, 1)]
    _, mean, invstd = torch.native_batch_norm(x, w, b, *running, True, 0.1, 1e-5)
    put('batch_norm_coefficients_of_ranks', 0, torch.stack([mean, invstd, w * invstd, b - mean * w * invstd]), *running)
    mean, stddev = (torch.tensor([0.485, 0.456, 0.406]).float(), torch.tensor([0.229, 0.224, 0.225]).float())
    for v, (channels, y) in enumerate(((1, 3), (3, 3), (1, 1), (1, 3), (1, 3), (3, 3))):
        film = numbers((1, channels, 1, 7) if v == 5 else (2, channels, 13, 9), 'film', 0, 1).expand(-1, y, -1, -1)
        narrow = {3: torch.float16, 4: torch.bfloat16}.get(v)
        film = film.float() if narrow else film
        film = normalize(film, mean[:y].to(film.dtype).tolist(), stddev[:y].to(film.dtype).tolist())
        put('normalise_films', v, film.to(narrow).float() if narrow else film)
    gan_primitives(put, numbers)
    image, more = numbers((3, 5, 7, 9), 'list'), numbers((41,), 'more of a list')
    for v, narrow in enumerate((torch.bfloat16, torch.float16, torch.float64)):
        put('copy_list', v, image.float().to(narrow), more.float().to(torch.bfloat16))
    for v in range(4):
        both = [numbers((77, 91), 'squares'), numbers((5000,), 'more squares')]
        if v == 3:
            both[1] = both[1].half().to(both[1].dtype)
        scale = 1024.0 if v == 2 else 1.0
        norm = torch.nn.utils.get_total_norm(both) / scale
        factor = (min(1.0, 2.0 / norm.item()) if v == 1 else 1.0) / scale
        put('gradient_norm', v, torch.stack([sum(t.square().sum() for t in both), norm, torch.tensor(factor)]))


def make(golden):
    table = Table(golden)
    elementwise(table)
    networks(table)
    losses_and_shapes(table)
    gan(table)
    attention(table)
    roi_align(table)
    primitives(golden)


if __name__ == '__main__':
    run({'operators.txt': make})

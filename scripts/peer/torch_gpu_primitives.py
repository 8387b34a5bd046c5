# SPDX-License-Identifier: Apache-2.0
"""What bench_gpu_kernels times, in PyTorch, where it has it, in as few calls as it can; for torch_gpu.py. Sizes are those of
bench/gpu_kernels/. Images lie in the order that is faster for PyTorch: of NCHW and channels-last both are timed.
"""
import sys

import torch
import torch.nn.functional as F
import torchvision

from torch_gpu_kernels import CL, DTYPES, GPU, allow_tf32, attention, median_us, rand, say, shuffled, timed, why

SHAPE = (64, 256, 256)


def images_of(type_):
    return 32 if type_ == 'f32' else 64  # as much moves in both types


def gradient(y, *inputs):
    """The call that computes y's gradients by the inputs."""
    dy = torch.rand_like(y)
    return lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True)


def in_both_orders(case, prepare, count=20):
    """The faster order; prepare(order) gives the call for images that lie so, and what else is to be said of it."""
    times, hows = {}, {}
    for name, order in (('NCHW', torch.contiguous_format), ('channels-last', CL)):
        call, *more = prepare(order)
        times[name], hows[name] = median_us(call, count), ', '.join([name] + more)
        del call
        torch.cuda.empty_cache()
    best = min(times, key=times.get)
    say(case, median_us=times[best], how=hows[best], all_us=times)


def images(n, c, h, w, type_, order):
    return torch.rand(n, c, h, w, device=GPU).to(DTYPES[type_], memory_format=order)


def elementwise(type_):
    dtype = DTYPES[type_]
    n = 1 << (26 if type_ == 'f32' else 27)
    x, z, y = (rand(n, dtype=dtype) for _ in range(3))
    timed('copy ' + type_, lambda: y.copy_(x))
    timed('fill ' + type_, lambda: y.fill_(1))
    timed('binary add ' + type_, lambda: torch.add(x, z, out=y))
    timed('accumulate ' + type_, lambda: y.add_(x))
    timed('unary_grad sigmoid ' + type_, lambda: torch.ops.aten.sigmoid_backward(z, x))
    other = 'bf16' if type_ == 'f32' else 'f32'
    converted = torch.empty_like(x, dtype=DTYPES[other])
    timed('convert %s to %s' % (type_, other), lambda: converted.copy_(x))


def reductions(type_):
    n = 1 << (26 if type_ == 'f32' else 27)
    x = rand(n // 1024, 1024, dtype=DTYPES[type_])
    timed('sum_to %s rows to 1024' % type_, lambda: x.sum(0))
    timed('sum_to %s %d rows of 1024' % (type_, n // 1024), lambda: x.sum(1))
    timed('argmax_rows %s %dx1024' % (type_, n // 1024), lambda: x.argmax(1))
    timed('min_max %s of 32 items' % type_, lambda: x.view(32, -1).aminmax(dim=1))


def lists():
    x, y = rand(1 << 26), torch.empty(1 << 26, device=GPU, dtype=torch.bfloat16)
    parts, narrow = list(x.split(1 << 20)), list(y.split(1 << 20))
    timed('copy_list f32 to bf16 64 of 1M', lambda: torch._foreach_copy_(narrow, parts))
    timed('scale_each f32 64 of 1M', lambda: torch._foreach_mul_(parts, 0.5))


def batch_norm(type_):
    def of(order):
        norm = torch.nn.BatchNorm2d(256).to(GPU).train()
        a = images(32, 256, 128, 128, type_, order).requires_grad_()
        return lambda: norm(a).relu(), a

    def backward(order):
        forward, a = of(order)
        return gradient(forward(), a),
    in_both_orders('batch_norm relu forward %s 32x256x128x128' % type_, lambda order: of(order)[:1], 8)
    in_both_orders('batch_norm relu backward %s 32x256x128x128' % type_, backward, 8)


def both_ways(op, type_, sizes, shape, call):
    """An operator and its gradient."""
    n = images_of(type_)

    def forward(order):
        x = images(n, *shape, type_, order)
        return lambda: call(x),

    def backward(order):
        x = images(n, *shape, type_, order).requires_grad_()
        return gradient(call(x), x),
    in_both_orders('%s %s %dx%s' % (op, type_, n, sizes[0]), forward)
    in_both_orders('%s_grad %s %dx%s' % (op, type_, n, sizes[1]), backward)


def pooling(type_):
    n = images_of(type_)

    def of(order):
        return images(n, *SHAPE, type_, order)

    def backward(order):
        x = of(order).requires_grad_()
        return gradient(F.max_pool2d(x, 3, 2, 1), x),

    def forward(order):
        x = of(order)
        return lambda: F.max_pool2d(x, 3, 2, 1),
    in_both_orders('max_pool2d 3/2 %s %dx64x256x256' % (type_, n), forward)
    in_both_orders('max_pool2d_grad %s %dx64x256x256' % (type_, n), backward)
    both_ways('global_avg_pool', type_, ['2048x32x32'] * 2, (2048, 32, 32), lambda x: F.adaptive_avg_pool2d(x, 1))


def resize(type_):
    for op, mode in (('upsample_nearest', 'nearest'), ('resize_bilinear', 'bilinear')):
        both_ways(op, type_, ['64x128 to 256', '64x256 to 128'], (64, 128, 128),
                  lambda x: F.interpolate(x, scale_factor=2, mode=mode))


def shuffle(type_):
    n = images_of(type_)
    # The mean of the pixels that there are is that with the first row and column repeated.
    both_ways('blur', type_, ['64x256x256'] * 2, SHAPE,
              lambda x: F.avg_pool2d(x, 2, 1, padding=1, count_include_pad=False)[:, :, :-1, :-1])
    both_ways('pixel_shuffle', type_, ['64x256x256'] * 2, SHAPE, shuffled)
    last, planes = (images(n, *SHAPE, type_, order) for order in (CL, torch.contiguous_format))
    timed('copy to NCHW %s %dx64x256x256' % (type_, n), last.contiguous)
    timed('copy to channels-last %s %dx64x256x256' % (type_, n), lambda: planes.contiguous(memory_format=CL))


def films(type_):
    n = images_of(type_)

    def of(order):
        gray, out = rand(n, 1, 1024, 1024), images(n, 3, 1024, 1024, type_, order)
        mean, stddev = rand(1, 3, 1, 1), rand(1, 3, 1, 1) + 0.5
        scale, shift = 1 / stddev, -mean / stddev
        return lambda: torch.addcmul(shift, gray, scale, out=out), 'addcmul'
    in_both_orders('normalise_films %s %dx1x1024x1024 to 3' % (type_, n), of, 8)


def softmax(type_):
    dtype, rows = DTYPES[type_], images_of(type_) * 2048
    x, dy = rand(rows, 1024, dtype=dtype), rand(rows, 1024, dtype=dtype)
    timed('softmax %s %dx1024' % (type_, rows), lambda: x.softmax(1))
    timed('softmax_grad %s %dx1024' % (type_, rows), lambda: torch._softmax_backward_data(dy, x, 1, dtype))


def cawe(type_):
    n = images_of(type_)

    def weights(order):
        g = images(n, 2048, 32, 32, type_, order) - 0.5
        return lambda: g.relu().mean((2, 3)),

    def fuse(order):
        film, whole = images(n, 3, 1024, 1024, type_, order), rand(n, 1, 1024, 1024, dtype=DTYPES[type_])
        one = torch.ones((), device=GPU, dtype=DTYPES[type_])
        return lambda: film * torch.lerp(one, whole, 0.5),
    in_both_orders('cawe_weights %s %dx2048x32x32' % (type_, n), weights)
    in_both_orders('cawe_fuse %s %dx3x1024x1024' % (type_, n), fuse)


def content_loss(type_):
    n = images_of(type_)

    def of(order):
        a, b = (images(n, *SHAPE, type_, order) for _ in range(2))
        a.requires_grad_()
        return lambda: torch.autograd.grad((a - b).abs().mean(), a),
    in_both_orders('content_loss %s %dx64x256x256' % (type_, n), of)


def losses():
    for items, each in (('49104', 49104), ('2M', 1 << 21)):
        x, t = rand(32, each).requires_grad_(), rand(32, each).round()
        timed('sigmoid_focal_loss f32 32x' + items, lambda: torchvision.ops.sigmoid_focal_loss(x.detach(), t).sum(1))
        timed('sigmoid_focal_loss_grad f32 32x' + items, gradient(torchvision.ops.sigmoid_focal_loss(x, t).sum(1), x), 8)
    timed('bce_with_logits f32 32x2M', lambda: F.binary_cross_entropy_with_logits(x.detach(), t, reduction='sum'))
    timed('bce_with_logits_grad f32 32x2M', gradient(F.binary_cross_entropy_with_logits(x, t, reduction='sum'), x))
    timed('smooth_l1 f32 32x512Kx4', lambda: F.smooth_l1_loss(x.detach(), t, beta=0.1, reduction='sum'), how='without the mask')
    timed('smooth_l1_grad f32 32x512Kx4', gradient(F.smooth_l1_loss(x, t, beta=0.1, reduction='sum'), x),
          how='without the mask')


def optimizers():
    p = rand(1 << 26).requires_grad_()
    p.grad = rand(1 << 26)
    sgd = torch.optim.SGD([p], 0.01, 0.9, weight_decay=1e-4, fused=True)
    timed('sgd_steps f32 64M', sgd.step)
    adam = torch.optim.Adam([p], fused=True)
    timed('adam_steps f32 64M', adam.step)
    timed('gradient_norm f32 64M', lambda: torch.linalg.vector_norm(p.grad))


def weight_norms():
    v, g = rand(1200, 300, 1, 1).requires_grad_(), rand(1200, 1, 1, 1).requires_grad_()
    timed('weight_norm f32 1200x300', lambda: torch._weight_norm(v.detach(), g.detach(), 0))
    timed('weight_norm_grad f32 1200x300', gradient(torch._weight_norm(v, g, 0), v, g))


def gather_rows():
    rows = 1 << 20
    x, y = rand(rows, 64), rand(rows, 64)
    index = torch.arange(rows, device=GPU) * 611953 % rows
    timed('gather_rows f32 1M of 1Mx64', lambda: torch.index_select(x, 0, index, out=y))
    timed('gather_rows_grad f32 1M to 1Mx64', lambda: torch.ops.aten.embedding_dense_backward(x, index, rows, -1, False),
          how="an embedding's gradient")


def boxes(*shape):
    """16 to 116 px wide in a 512 px image."""
    corner = rand(*shape, 2) * 400
    return torch.cat([corner, corner + 16 + 100 * rand(*shape, 2)], -1)


def suppression():
    for n in (2000, 10000):
        one, scores = boxes(n), rand(n)
        timed('nms %d, answer on the host' % n, lambda: torchvision.ops.nms(one, scores, 0.7).cpu(), on_host=True)
    levels = torch.arange(5).repeat_interleave(torch.tensor([2000, 2000, 2000, 768, 192])).to(GPU)
    for case, each, level in (('nms 32 images of 2000', 2000, 0), ('nms 32 images of 6960 in 5 levels', 6960, levels.repeat(32))):
        many, scores = boxes(32 * each), rand(32 * each)
        group = torch.arange(32, device=GPU).repeat_interleave(each) * 5 + level
        # It counts on the host what it keeps.
        timed(case, lambda: torchvision.ops.batched_nms(many, scores, group, 0.7), on_host=True, how='batched_nms')


def top_k():
    one = rand(110592)
    timed('top_k 1000 of 110592, answer on the host', lambda: one.topk(1000).indices.cpu(), on_host=True)
    for k, sizes in ((1000, [36864, 9216, 2304, 576, 144]), (2000, [49152, 12288, 3072, 768, 192])):
        levels = rand(32, sum(sizes)).split(sizes, 1)
        timed('top_k %d of each of 5 levels, 32 images of %d' % (k, sum(sizes)),
              lambda: [x.topk(min(k, n), 1) for x, n in zip(levels, sizes)], how='a call for each level')


def roi_align(type_):
    """torchvision's has no bf16: autocast computes in f32."""
    sides = (128, 64, 32, 16)
    levels = [rand(32, 256, side, side, dtype=DTYPES[type_]) for side in sides]
    image = (torch.arange(4096, device=GPU) // 128).float()[:, None]  # image by image, as a batch's proposals come
    rois = [torch.cat([image, boxes(4096)], 1) for _ in levels]
    how = {'how': 'by way of f32'} if type_ == 'bf16' else {}

    def align():
        return [torchvision.ops.roi_align(x.float(), r, 7, side / 512, 2).to(DTYPES[type_])
                for x, r, side in zip(levels, rois, sides)]
    timed('roi_align %s 16384 of 32 images, 256 channels' % type_, align, 8, **how)
    for x in levels:
        x.requires_grad_()
    y = align()
    dy = [torch.rand_like(v) for v in y]
    timed('roi_align_grad %s 16384 of 32 images, 256 channels' % type_,
          lambda: torch.autograd.grad(y, levels, dy, retain_graph=True), 8, **how)


def products(type_):
    p, q, y = (rand(4096, 4096, dtype=DTYPES[type_]) for _ in range(3))
    timed('matmul 4096 ' + type_, lambda: torch.mm(p, q, out=y))


OF_TYPES = (elementwise, batch_norm, pooling, resize, shuffle, softmax, cawe, films, reductions, content_loss)
PARTS = ([(part, (type_,)) for part in OF_TYPES for type_ in ('f32', 'bf16')] +
         [(part, ()) for part in (losses, optimizers, weight_norms, lists, gather_rows, suppression, top_k)] +
         [(roi_align, ('f32',)), (roi_align, ('bf16',)), (attention, ('f32', 32, 256)), (attention, ('bf16', 32, 256)),
          (attention, ('bf16', 96, 768)), (products, ('f32',)), (products, ('bf16',))])


def kernels():
    allow_tf32(False)
    for part, arguments in PARTS:
        try:
            part(*arguments)
        except Exception as e:
            name = ' '.join([part.__name__, *map(str, arguments)])
            print('failed: ' + name, file=sys.stderr)
            say('failed', part=name, why=why(e))
        torch.cuda.empty_cache()

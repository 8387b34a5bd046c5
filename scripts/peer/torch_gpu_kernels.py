# SPDX-License-Identifier: Apache-2.0
"""The card's ceilings, and what bench_gpu_kernels times, in PyTorch; for torch_gpu.py. Sizes, layouts and orders are those
of bench/gpu_kernels.cpp.
"""
import json
import statistics
import subprocess
import sys
import traceback

import torch
import torch.nn.functional as F
import torchvision
from torch.nn.attention import SDPBackend, sdpa_kernel

GPU = torch.device('cuda')
CL = torch.channels_last
DTYPES = {'f32': torch.float32, 'tf32': torch.float32, 'bf16': torch.bfloat16, 'f16': torch.float16, 'f64': torch.float64}
SLEEP = 2_000_000  # cycles, about 1 ms
SWEEP = None


def say(case, **values):
    print(json.dumps({'case': case, **values}), flush=True)


def why(error):
    """What an exception says, in 600 characters. torch.compile begins with pages of its own, and ends with advice."""
    traceback.print_exc()
    text = str(error).split('\nSet TORCHDYNAMO_VERBOSE')[0].strip() or type(error).__name__
    compiling = type(error).__module__.startswith(('torch._dynamo', 'torch._inductor')) or 'torch._dynamo' in text
    return text[-600:] if compiling else text[:600]


def allow_tf32(allowed):
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def median_us(call, count=20, on_host=False):
    """By events; what is in the cache is overwritten before each call. The GPU first sleeps for about 1 ms, in which the
    host queues the whole call: else a chain of small kernels would be timed by how fast Python launches it, and ours is
    one launch. Not so where the call itself waits for the host (on_host): what the host takes there is part of it, as it
    is in ours."""
    global SWEEP
    if SWEEP is None:
        SWEEP = torch.empty(64 << 20, device=GPU)
    times = []
    for i in range(count + 3):
        SWEEP.fill_(i)
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        if not on_host:
            torch.cuda._sleep(SLEEP)
        begin.record()
        call()
        end.record()
        end.synchronize()
        if i >= 3:
            times.append(1000 * begin.elapsed_time(end))
    return statistics.median(times)


def timed(case, call, count=20, on_host=False, **more):
    say(case, median_us=median_us(call, count, on_host), **more)


def rand(*shape, dtype=torch.float32, last=False):
    x = torch.rand(*shape, device=GPU).to(dtype)
    return x.to(memory_format=CL) if last else x


def driver():
    try:
        return subprocess.run(['nvidia-smi', '--query-gpu=driver_version', '--format=csv,noheader'], capture_output=True,
                              text=True, timeout=20, check=True).stdout.split()[0]
    except (OSError, subprocess.SubprocessError, IndexError):
        return 'unknown'


def ceilings():
    a, b = rand(1 << 28), rand(1 << 28)
    us = median_us(lambda: b.copy_(a))
    # Whose figures these and all others are: the report wants a time in every line, so it stands in the first one.
    say('copy 1 GiB', median_us=us, gb_s=2 * a.numel() * 4 / us / 1e3, torch=torch.__version__,
        torchvision=torchvision.__version__, cuda=torch.version.cuda, cudnn=torch.backends.cudnn.version(),
        device=torch.cuda.get_device_name(), driver=driver())
    del a, b
    for name in ('f32', 'tf32', 'bf16', 'f16', 'f64'):
        allow_tf32(name == 'tf32')
        n = 8192 if name in ('bf16', 'f16', 'tf32') else 4096
        p, q = (torch.randn(n, n, device=GPU, dtype=DTYPES[name]) for _ in range(2))
        us = median_us(lambda: p @ q, 8)
        say('matmul %d %s' % (n, name), median_us=us, tflops=2 * n ** 3 / us / 1e6)
    allow_tf32(False)


def shuffled(x):
    """Pixel shuffle by 2. F.pixel_shuffle brings a channels-last tensor into NCHW, and a second copy brought it back."""
    n, c, h, w = x.shape
    if not x.is_contiguous(memory_format=CL) or x.is_contiguous():
        return F.pixel_shuffle(x, 2)
    cells = x.permute(0, 2, 3, 1).view(n, h, w, c // 4, 2, 2).permute(0, 1, 4, 2, 5, 3)
    return cells.reshape(n, 2 * h, 2 * w, c // 4).permute(0, 3, 1, 2)


# Attention without a factor before the softmax; q, k [N, P, depth] and v [N, P, channels] to [N, P, channels].

def by_products(q, k, v):
    return torch.softmax(q @ k.transpose(1, 2), 2) @ v


def by_backend(backend, width=0):
    """scaled_dot_product_attention. Some backends want one width of q, k and v, of at most 256: with `width` q and k get
    zeros up to it, and v is cut into heads of it, which all see the same q and k."""
    def attend(q, k, v):
        if width:
            n, positions, channels = v.shape
            heads = channels // width
            q, k = (F.pad(t, (0, width - t.shape[2]))[:, None].expand(-1, heads, -1, -1) for t in (q, k))
            v = v.view(n, positions, heads, width).transpose(1, 2)
        else:
            q, k, v = q[:, None], k[:, None], v[:, None]
        with sdpa_kernel(backend):
            y = F.scaled_dot_product_attention(q, k, v, scale=1.0)
        return y.transpose(1, 2).flatten(2)
    return attend


ATTENTIONS = {'bmm, softmax, bmm': by_products,
              'SDPA efficient': by_backend(SDPBackend.EFFICIENT_ATTENTION),
              'SDPA cuDNN': by_backend(SDPBackend.CUDNN_ATTENTION),
              'SDPA cuDNN, heads of 128': by_backend(SDPBackend.CUDNN_ATTENTION, 128),
              'SDPA flash, heads of 128': by_backend(SDPBackend.FLASH_ATTENTION, 128),
              'SDPA flash, heads of 256': by_backend(SDPBackend.FLASH_ATTENTION, 256)}


def attention_times(q, k, v, gradients, count=20):
    """({way: us}, {way: why it was refused}) of the forward pass, or of the gradients behind it."""
    times, refused = {}, {}
    for name, attend in ATTENTIONS.items():
        y = None
        try:
            if gradients:
                inputs = [t.detach().clone().requires_grad_() for t in (q, k, v)]
                y = attend(*inputs)
                times[name] = median_us(lambda: torch.autograd.grad(y, inputs, v, retain_graph=True), count)
            else:
                with torch.no_grad():
                    times[name] = median_us(lambda: attend(q, k, v), count)
        except Exception as e:  # a backend without a kernel for these types and sizes
            refused[name] = str(e).split('\n')[0][:100]
    return times, refused


def attention(type_, depth, channels):
    shapes = '%s 8x4096x4096, %d and %d' % (type_, depth, channels)
    q, k, v = (rand(8, 4096, width, dtype=DTYPES[type_]) for width in (depth, depth, channels))
    for case, gradients in (('attention ', False), ('attention_grad ', True)):
        times, refused = attention_times(q, k, v, gradients)
        best = min(times, key=times.get)
        say(case + shapes, median_us=times[best], how=best, all_us=times, refused=refused)


def streams(type_):
    dtype = DTYPES[type_]
    n = 1 << (26 if type_ == 'f32' else 27)
    x, z, y = rand(n, dtype=dtype), rand(n, dtype=dtype), rand(n, dtype=dtype)
    out = torch.empty_like(x)
    timed('copy ' + type_, lambda: out.copy_(x))
    timed('binary add ' + type_, lambda: torch.add(x, z, out=out))
    timed('accumulate ' + type_, lambda: y.add_(x))
    other = 'bf16' if type_ == 'f32' else 'f32'
    converted = torch.empty_like(x, dtype=DTYPES[other])
    timed('convert %s to %s' % (type_, other), lambda: converted.copy_(x))
    timed('unary_grad sigmoid ' + type_, lambda: torch.ops.aten.sigmoid_backward(z, x))
    timed('sum_to %s rows to 1024' % type_, lambda: x.view(-1, 1024).sum(0))


def batch_norm(type_):
    a = rand(32, 256, 128, 128, dtype=DTYPES[type_], last=True).requires_grad_()
    norm = torch.nn.BatchNorm2d(256).to(GPU).train()
    timed('batch_norm relu forward %s 32x256x128x128' % type_, lambda: norm(a).relu(), 8)
    y = norm(a).relu()
    dy = torch.rand_like(y)
    timed('batch_norm relu backward %s 32x256x128x128' % type_, lambda: torch.autograd.grad(y, a, dy, retain_graph=True), 8)


def images(type_):
    dtype, n = DTYPES[type_], 32 if type_ == 'f32' else 64  # images; as much moves in both types
    p = rand(n, 64, 256, 256, dtype=dtype, last=True)
    timed('max_pool2d 3/2 %s %dx64x256x256' % (type_, n), lambda: F.max_pool2d(p, 3, 2, 1))
    timed('copy to NCHW %s %dx64x256x256' % (type_, n), p.contiguous)
    timed('pixel_shuffle %s %dx64x256x256' % (type_, n), lambda: shuffled(p), how='channels-last, one copy')
    half = rand(n, 64, 128, 128, dtype=dtype, last=True)
    for op, mode in (('upsample_nearest', 'nearest'), ('resize_bilinear', 'bilinear')):
        timed('%s %s %dx64x128 to 256' % (op, type_, n), lambda: F.interpolate(half, scale_factor=2, mode=mode))


def maps(type_):
    dtype, n = DTYPES[type_], 32 if type_ == 'f32' else 64
    r = rand(n * 2048, 1024, dtype=dtype)
    timed('softmax %s %dx1024' % (type_, n * 2048), lambda: r.softmax(1))
    g = rand(n, 2048, 32, 32, dtype=dtype, last=True)
    timed('cawe_weights %s %dx2048x32x32' % (type_, n), lambda: g.relu().mean((2, 3)))
    timed('global_avg_pool %s %dx2048x32x32' % (type_, n), lambda: F.adaptive_avg_pool2d(g, 1))
    film, whole = rand(n, 3, 1024, 1024, dtype=dtype, last=True), rand(n, 1, 1024, 1024, dtype=dtype)
    one = torch.ones((), device=GPU, dtype=dtype)
    timed('cawe_fuse %s %dx3x1024x1024' % (type_, n), lambda: film * torch.lerp(one, whole, 0.5))
    gray, out = rand(n, 1, 1024, 1024), torch.empty_like(film)
    mean, stddev = rand(1, 3, 1, 1), rand(1, 3, 1, 1) + 0.5
    scale, shift = 1 / stddev, -mean / stddev
    timed('normalise_films %s %dx1x1024x1024 to 3' % (type_, n), lambda: torch.addcmul(shift, gray, scale, out=out), 8,
         how='addcmul into channels-last')


def losses():
    a, b = rand(32, 64, 256, 256).requires_grad_(), rand(32, 64, 256, 256)
    timed('content_loss f32 32x64x256x256', lambda: torch.autograd.grad((a - b).abs().mean(), a))
    x, t = rand(32, 49104), (rand(32, 49104) > 0.9).float()
    timed('sigmoid_focal_loss f32 32x49104', lambda: torchvision.ops.sigmoid_focal_loss(x, t).sum(1))


def boxes(*shape):
    """16 to 116 px wide in a 512 px image."""
    corner = rand(*shape, 2) * 400
    return torch.cat([corner, corner + 16 + 100 * rand(*shape, 2)], -1)


def detection():
    for n in (2000, 10000):
        one, scores = boxes(n), rand(n)
        timed('nms %d, answer on the host' % n, lambda: torchvision.ops.nms(one, scores, 0.7).cpu(), on_host=True)
    many, scores = boxes(32 * 2000), rand(32 * 2000)
    image = torch.arange(32, device=GPU).repeat_interleave(2000)
    # It counts on the host what it keeps.
    timed('nms 32 images of 2000', lambda: torchvision.ops.batched_nms(many, scores, image, 0.7), on_host=True, how='batched_nms')
    s = rand(110592)
    timed('top_k 1000 of 110592, answer on the host', lambda: s.topk(1000).indices.cpu(), on_host=True)


def roi_align():
    levels = [rand(32, 256, side, side) for side in (128, 64, 32, 16)]
    image = (torch.arange(4096, device=GPU) // 128).float()[:, None]  # image by image, as a batch's proposals come
    rois = [torch.cat([image, boxes(4096)], 1) for _ in levels]

    def align():
        return [torchvision.ops.roi_align(x, r, 7, x.shape[2] / 512, 2) for x, r in zip(levels, rois)]
    timed('roi_align 16384 of 32 images, 256 channels', align, 8)
    for x in levels:
        x.requires_grad_()
    y = align()
    dy = [torch.rand_like(v) for v in y]
    timed('roi_align_grad 16384 of 32 images, 256 channels', lambda: torch.autograd.grad(y, levels, dy, retain_graph=True), 8)


def optimizers():
    p = rand(1 << 26).requires_grad_()
    p.grad = rand(1 << 26)
    sgd = torch.optim.SGD([p], 0.01, 0.9, weight_decay=1e-4, fused=True)
    timed('sgd_steps f32 64M', sgd.step)
    adam = torch.optim.Adam([p], fused=True)
    timed('adam_steps f32 64M', adam.step)


def kernels():
    allow_tf32(False)
    parts = [(part, (type_,)) for type_ in ('f32', 'bf16') for part in (streams, batch_norm, images, maps)]
    parts += [(losses, ()), (detection, ()), (roi_align, ()), (optimizers, ())]
    parts += [(attention, shape) for shape in (('f32', 32, 256), ('bf16', 32, 256), ('bf16', 96, 768))]
    for part, arguments in parts:
        try:
            part(*arguments)
        except Exception as e:
            name = ' '.join([part.__name__, *map(str, arguments)])
            print('failed: ' + name, file=sys.stderr)
            say('failed', part=name, why=why(e))
        torch.cuda.empty_cache()

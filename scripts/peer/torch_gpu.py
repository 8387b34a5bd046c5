# SPDX-License-Identifier: Apache-2.0
"""PyTorch on the GPU, for scripts/gpu-check: the card's ceilings, and what bench_gpu_kernels and bench_gpu_steps
time, in PyTorch's best modes (channels-last, autocast to 16 bits, CUDA graphs where a step can be captured, what
torch.compile makes of it).

usage: python3 scripts/peer/torch_gpu.py ceilings|kernels|steps      one JSON object a line
       python3 scripts/peer/torch_gpu.py compiled [SECONDS]          ResNet-50 through torch.compile; nothing more is begun
                                                                     when so many seconds have gone by
"""
import copy
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F
import torchvision
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

GPU = torch.device('cuda')
CL = torch.channels_last
SWEEP = None


def say(case, **values):
    print(json.dumps({'case': case, **values}), flush=True)


def median_us(call, count=20):
    """By events; what is in the cache is overwritten before each."""
    global SWEEP
    if SWEEP is None:
        SWEEP = torch.empty(64 << 20, device=GPU)
    times = []
    for i in range(count + 3):
        SWEEP.fill_(i)
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        call()
        end.record()
        end.synchronize()
        if i >= 3:
            times.append(1000 * begin.elapsed_time(end))
    return statistics.median(times)


def ceilings():
    a, b = torch.rand(1 << 28, device=GPU), torch.empty(1 << 28, device=GPU)
    us = median_us(lambda: b.copy_(a))
    say('copy 1 GiB', median_us=us, gb_s=2 * a.numel() * 4 / us / 1e3)
    del a, b
    for name, dtype, tf32 in (('f32', torch.float32, False), ('tf32', torch.float32, True), ('bf16', torch.bfloat16, False),
                              ('f16', torch.float16, False), ('f64', torch.float64, False)):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        n = 8192 if name in ('bf16', 'f16', 'tf32') else 4096
        p, q = torch.randn(n, n, device=GPU, dtype=dtype), torch.randn(n, n, device=GPU, dtype=dtype)
        us = median_us(lambda: p @ q, 8)
        say('matmul %d %s' % (n, name), median_us=us, tflops=2 * n ** 3 / us / 1e6)
    torch.backends.cuda.matmul.allow_tf32 = False


def rand(*shape, dtype=torch.float32, last=False):
    x = torch.rand(*shape, device=GPU).to(dtype)
    return x.to(memory_format=CL) if last else x


def kernels():
    for type_, dtype in (('f32', torch.float32), ('bf16', torch.bfloat16)):
        n = 1 << (26 if type_ == 'f32' else 27)
        x, z, y = rand(n, dtype=dtype), rand(n, dtype=dtype), rand(n, dtype=dtype)
        out = torch.empty_like(x)
        say('copy ' + type_, median_us=median_us(lambda: out.copy_(x)))
        say('binary add ' + type_, median_us=median_us(lambda: torch.add(x, z, out=out)))
        say('accumulate ' + type_, median_us=median_us(lambda: y.add_(x)))
        other = 'bf16' if type_ == 'f32' else 'f32'
        narrow = torch.empty(n, device=GPU, dtype=torch.bfloat16 if type_ == 'f32' else torch.float32)
        say('convert %s to %s' % (type_, other), median_us=median_us(lambda: narrow.copy_(x)))
        say('unary_grad sigmoid ' + type_, median_us=median_us(lambda: torch.ops.aten.sigmoid_backward(z, x)))
        say('sum_to %s rows to 1024' % type_, median_us=median_us(lambda: x.view(-1, 1024).sum(0)))
        del x, y, z, out, narrow
        a = rand(32, 256, 128, 128, dtype=dtype, last=True).requires_grad_()
        norm = torch.nn.BatchNorm2d(256).to(GPU).train()
        say('batch_norm relu forward %s 32x256x128x128' % type_, median_us=median_us(lambda: norm(a).relu(), 8))
        y = norm(a).relu()
        dy = torch.rand_like(y)
        say('batch_norm relu backward %s 32x256x128x128' % type_,
            median_us=median_us(lambda: torch.autograd.grad(y, a, dy, retain_graph=True), 8))
        del a, y, dy
        many = 32 if type_ == 'f32' else 64  # images; as much moves in both types
        p = rand(many, 64, 256, 256, dtype=dtype, last=True)
        say('max_pool2d 3/2 %s %dx64x256x256' % (type_, many), median_us=median_us(lambda: F.max_pool2d(p, 3, 2, 1)))
        say('copy to NCHW %s %dx64x256x256' % (type_, many), median_us=median_us(p.contiguous))
        say('pixel_shuffle %s %dx64x256x256' % (type_, many),
            median_us=median_us(lambda: F.pixel_shuffle(p, 2).contiguous(memory_format=CL)), how='channels-last')
        half = rand(many, 64, 128, 128, dtype=dtype, last=True)
        for op, mode in (('upsample_nearest', 'nearest'), ('resize_bilinear', 'bilinear')):
            say('%s %s %dx64x128 to 256' % (op, type_, many), median_us=median_us(lambda: F.interpolate(half, scale_factor=2, mode=mode)))
        del p, half
        r = rand(many * 2048, 1024, dtype=dtype)
        say('softmax %s %dx1024' % (type_, many * 2048), median_us=median_us(lambda: r.softmax(1)))
        g = rand(many, 2048, 32, 32, dtype=dtype, last=True)
        say('cawe_weights %s %dx2048x32x32' % (type_, many), median_us=median_us(lambda: g.relu().mean((2, 3))))
        say('global_avg_pool %s %dx2048x32x32' % (type_, many), median_us=median_us(lambda: F.adaptive_avg_pool2d(g, 1)))
        film, whole = rand(many, 3, 1024, 1024, dtype=dtype, last=True), rand(many, 1, 1024, 1024, dtype=dtype)
        say('cawe_fuse %s %dx3x1024x1024' % (type_, many), median_us=median_us(lambda: film * (0.5 + 0.5 * whole)))
        gray, mean, stddev = rand(many, 1, 1024, 1024), rand(3, 1, 1), rand(3, 1, 1) + 0.5
        say('normalise_films %s %dx1x1024x1024 to 3' % (type_, many),
            median_us=median_us(lambda: ((gray - mean) / stddev).to(dtype, memory_format=CL), 8))
        del r, g, film, whole, gray
        for depth, channels in ((32, 256), (96, 768)) if dtype == torch.bfloat16 else ((32, 256),):
            q, k, v = rand(8, 4096, depth, dtype=dtype), rand(8, 4096, depth, dtype=dtype), rand(8, 4096, channels, dtype=dtype)
            case = '%s 8x4096x4096, %d and %d' % (type_, depth, channels)
            say('attention ' + case, median_us=median_us(lambda: torch.softmax(q @ k.transpose(1, 2), 2) @ v), how='bmm, softmax, bmm')
            for t in (q, k, v):
                t.requires_grad_()
            y = torch.softmax(q @ k.transpose(1, 2), 2) @ v
            say('attention_grad ' + case, median_us=median_us(lambda: torch.autograd.grad(y, (q, k, v), v, retain_graph=True)))
            del y
    a, b = rand(32, 64, 256, 256).requires_grad_(), rand(32, 64, 256, 256)
    say('content_loss f32 32x64x256x256', median_us=median_us(lambda: torch.autograd.grad((a - b).abs().mean(), a)))
    x, t = rand(32, 49104).requires_grad_(), (rand(32, 49104) > 0.9).float()
    focal = torchvision.ops.sigmoid_focal_loss
    say('sigmoid_focal_loss f32 32x49104', median_us=median_us(lambda: focal(x.detach(), t).sum(1)))
    for n in (2000, 10000):
        corner = torch.rand(n, 2, device=GPU) * 400
        boxes = torch.cat([corner, corner + 16 + 100 * torch.rand(n, 2, device=GPU)], 1)
        scores = torch.rand(n, device=GPU)
        say('nms %d, answer on the host' % n, median_us=median_us(lambda: torchvision.ops.nms(boxes, scores, 0.7).cpu()))
    corner = torch.rand(32, 2000, 2, device=GPU) * 400
    many = torch.cat([corner, corner + 16 + 100 * torch.rand(32, 2000, 2, device=GPU)], 2)
    scores = torch.rand(32, 2000, device=GPU)
    image = torch.arange(32, device=GPU).repeat_interleave(2000)
    say('nms 32 images of 2000', how='batched_nms', median_us=median_us(
        lambda: torchvision.ops.batched_nms(many.view(-1, 4), scores.view(-1), image, 0.7)))
    s = torch.rand(110592, device=GPU)
    say('top_k 1000 of 110592, answer on the host', median_us=median_us(lambda: s.topk(1000).indices.cpu()))
    levels = [torch.rand(32, 256, side, side, device=GPU) for side in (128, 64, 32, 16)]
    rois = []
    for level in range(4):
        corner = torch.rand(4096, 2, device=GPU) * 400
        image = torch.arange(4096, device=GPU).float()[:, None] % 32
        rois.append(torch.cat([image, corner, corner + 16 + 100 * torch.rand(4096, 2, device=GPU)], 1))

    def align():
        return [torchvision.ops.roi_align(x, r, 7, x.shape[2] / 512, 2) for x, r in zip(levels, rois)]
    say('roi_align 16384 of 32 images, 256 channels', median_us=median_us(align, 8))
    for x in levels:
        x.requires_grad_()
    y = align()
    dy = [torch.rand_like(v) for v in y]
    say('roi_align_grad 16384 of 32 images, 256 channels', median_us=median_us(lambda: torch.autograd.grad(y, levels, dy, retain_graph=True), 8))
    for n, name in ((1 << 26, '64M'),):
        p = torch.rand(n, device=GPU, requires_grad=True)
        p.grad = torch.rand(n, device=GPU)
        sgd = torch.optim.SGD([p], 0.01, 0.9, weight_decay=1e-4, fused=True)
        say('sgd_steps f32 ' + name, median_us=median_us(sgd.step))
        adam = torch.optim.Adam([p], fused=True)
        say('adam_steps f32 ' + name, median_us=median_us(adam.step))


def measure(case, batch, step, mode, **more):
    for _ in range(3):
        step()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    step()
    torch.cuda.synchronize()
    count = max(1, min(100, int(0.1 / (time.perf_counter() - start))))
    ms = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(count):
            step()
        torch.cuda.synchronize()
        ms.append((time.perf_counter() - start) * 1000 / count)
    say(case, batch=batch, mode=mode, median_ms=round(statistics.median(ms), 3), min_ms=round(min(ms), 3),
        peak_mb=round(torch.cuda.max_memory_allocated() / 1048576), **more)


def captured(step):
    """The step as a CUDA graph."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


DTYPES = {'f32': torch.float32, 'bf16': torch.bfloat16, 'f16': torch.float16}


def autocast(type_):
    return torch.autocast('cuda', DTYPES[type_] if type_ != 'f32' else torch.bfloat16, enabled=type_ != 'f32')


def resnet50(batch, type_, mode=None):
    """Eager and as a graph; through torch.compile where a mode of it is named."""
    net = torchvision.models.resnet50(num_classes=14).to(GPU, memory_format=CL)
    x, t = rand(batch, 3, 224, 224, last=True), torch.zeros(batch, 14, device=GPU)
    optimizer = torch.optim.SGD(net.parameters(), 0.001, 0.9, foreach=True)
    run = torch.compile(net, mode=mode) if mode else net

    def train():
        optimizer.zero_grad(set_to_none=True)
        with autocast(type_):
            loss = F.binary_cross_entropy_with_logits(run(x), t)
        loss.backward()
        optimizer.step()
    name = 'resnet50 %s b%d ' + type_
    if mode:
        start = time.perf_counter()
        train()
        torch.cuda.synchronize()
        return measure(name % ('training', batch), batch, train, 'compiled', how=mode,
                       compile_s=round(time.perf_counter() - start, 1))
    measure(name % ('training', batch), batch, train, 'eager')
    measure(name % ('training', batch), batch, captured(train), 'graph')
    # Nothing is trained any more: the weights themselves are in 16 bits, which no autocast converts again in each pass.
    net = copy.deepcopy(net).eval().to(DTYPES[type_])
    seen = x.to(DTYPES[type_])

    def infer():
        with torch.no_grad():
            net(seen)
    measure(name % ('inference', batch), batch, infer, 'eager')
    measure(name % ('inference', batch), batch, captured(infer), 'graph')


def detector(kind, batch, type_):
    body = torchvision.models.resnet50(weights=None)
    if kind == 'retinanet':
        backbone = BackboneWithFPN(body, {'layer2': '0', 'layer3': '1', 'layer4': '2'}, [512, 1024, 2048], 256, extra_blocks=LastLevelP6P7(256, 256))
        net = torchvision.models.detection.RetinaNet(backbone, num_classes=1, min_size=512, max_size=512)
    else:
        backbone = BackboneWithFPN(body, {'layer%d' % (i + 1): str(i) for i in range(4)}, [256, 512, 1024, 2048], 256)
        net = torchvision.models.detection.FasterRCNN(backbone, num_classes=2, min_size=512, max_size=512)
    net = net.to(GPU, memory_format=CL)
    images = list(torch.rand(batch, 3, 512, 512, device=GPU))
    targets = [{'boxes': torch.tensor([[100., 120., 220., 260.]], device=GPU),
                'labels': torch.full((1,), int(kind != 'retinanet'), device=GPU)} for _ in images]
    optimizer = torch.optim.SGD(net.parameters(), 0.001, 0.9, foreach=True)

    def train():
        optimizer.zero_grad(set_to_none=True)
        with autocast(type_):
            loss = sum(net(images, targets).values())
        loss.backward()
        optimizer.step()

    def infer():
        with torch.no_grad(), autocast(type_):
            net(images)
    measure('%s training_with_targets b%d %s' % (kind, batch, type_), batch, train, 'eager')
    net.eval()
    measure('%s detect b%d %s' % (kind, batch, type_), batch, infer, 'eager')


def steps():
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = False
    for type_, batch in (('bf16', 32), ('bf16', 2), ('f32', 32), ('f32', 2), ('bf16', 8), ('f32', 8)):
        for case in (lambda: resnet50(batch, type_), lambda: detector('retinanet', batch, type_), lambda: detector('faster_rcnn', batch, type_)):
            try:
                case()
            except Exception as e:
                say('failed', type=type_, batch=batch, why=str(e)[:200])
            torch.cuda.empty_cache()


def compiled(seconds):
    """Compiling takes most of the time, unless an earlier call has filled the cache on disk (scripts/gpu-check)."""
    start = time.perf_counter()
    torch.backends.cudnn.benchmark = True
    for batch, mode in ((32, 'reduce-overhead'), (32, 'max-autotune-no-cudagraphs'), (2, 'reduce-overhead'), (8, 'reduce-overhead')):
        if time.perf_counter() - start > seconds:
            say('failed', type='bf16', batch=batch, why='%s: not begun after %d s' % (mode, seconds))
            continue
        try:
            torch.compiler.reset()
            resnet50(batch, 'bf16', mode)
        except Exception as e:
            say('failed', type='bf16', batch=batch, why='%s: %s' % (mode, str(e)[:200]))
        torch.cuda.empty_cache()


if sys.argv[1] == 'compiled':
    compiled(float(sys.argv[2]) if len(sys.argv) > 2 else 1e9)
else:
    {'ceilings': ceilings, 'kernels': kernels, 'steps': steps}[sys.argv[1]]()

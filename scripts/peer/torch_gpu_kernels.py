# SPDX-License-Identifier: Apache-2.0
"""How PyTorch is timed, the card's ceilings, and attention in its ways; for torch_gpu.py and its parts."""
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
    """By events. Before each call memory of several times the cache is written and then read, so that the cache holds neither
    operands nor anything that must be written back. The GPU first sleeps for about 1 ms, in which the
    host queues the whole call: else a chain of small kernels would be timed by how fast Python launches it, and ours is
    one launch. Not so where the call itself waits for the host (on_host): what the host takes there is part of it, as it
    is in ours."""
    global SWEEP
    if SWEEP is None:
        SWEEP = torch.empty(64 << 20, device=GPU)
    times = []
    for i in range(count + 3):
        SWEEP.fill_(i)
        SWEEP.sum()
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

# SPDX-License-Identifier: Apache-2.0
"""PyTorch on the GPU, for scripts/gpu-check: the card's ceilings, and what bench_gpu_kernels and bench_gpu_steps
time, in PyTorch's best modes: channels-last (f32 in NCHW too), autocast to 16 bits, cuDNN's benchmark, fused optimizers, CUDA
graphs where a step can be captured, the fastest of its attentions, what torch.compile makes of it.

usage: python3 scripts/peer/torch_gpu.py ceilings|kernels             one JSON object a line
       python3 scripts/peer/torch_gpu.py steps NETWORK [SECONDS]      whole steps, most wanted first
       python3 scripts/peer/torch_gpu.py compiled NETWORK [SECONDS]   the same through torch.compile, in bf16
       python3 scripts/peer/torch_gpu.py warm NETWORK [SECONDS]       compiles that and times nothing: fills the compiler's
                                                                      cache on disk while others use the GPU, hence without
                                                                      max-autotune, which times kernels
NETWORK: resnet50, retinanet, faster_rcnn, generator or critic; a process for each, so that a lost device or a hang of one
leaves the others. Nothing more is begun SECONDS after the start. What was not begun or failed has a line
{"case": "failed", network, what, type, batch, mode, why}.
"""
import functools
import gc
import statistics
import sys
import time

START = time.perf_counter()

import torch

from torch_gpu_kernels import CL, allow_tf32, ceilings, say, why
from torch_gpu_networks import STEPS, captured
from torch_gpu_primitives import kernels

NCHW = torch.contiguous_format
AUTOTUNED = 'max-autotune-no-cudagraphs'


def measure(case, batch, mode, step, how):
    """Median milliseconds of five rounds, three where a step takes over 200 ms; of the returned ones. A round is at least
    0.1 s long, and the host waits for the device at its end alone, as in bench/gpu_steps.cpp."""
    for _ in range(3):
        step()
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    start = time.perf_counter()
    step()
    torch.cuda.synchronize()
    took = time.perf_counter() - start
    count, ms = max(1, min(100, int(0.1 / took))), []
    for _ in range(3 if took > 0.2 else 5):
        start = time.perf_counter()
        for _ in range(count):
            step()
        torch.cuda.synchronize()
        ms.append((time.perf_counter() - start) * 1000 / count)
    peak = max(torch.cuda.max_memory_allocated(), getattr(step, 'peak', 0))
    how = how()
    say(case, batch=batch, mode=mode, median_ms=round(statistics.median(ms), 3), min_ms=round(min(ms), 3),
        peak_mb=round(peak / 1048576), **({'how': '; '.join(how)} if how else {}), **seconds_of(step))
    return statistics.median(ms)


def seconds_of(step):
    return {'compile_s': step.compile_s} if hasattr(step, 'compile_s') else {}


class Course:
    """The cases of one network until its time is up."""

    def __init__(self, network, seconds):
        self.network, self.seconds, self.lost, self.skipped = network, seconds, None, set()

    def case(self, made, what, batch, type_, mode, prepare, how, run=measure):
        """Runs a step of `made`(), the network with its batch; its median, or None where there is none."""
        names = {'network': self.network, 'what': what, 'type': type_, 'batch': batch, 'mode': mode}
        title = '%s %s b%d %s' % (self.network, what, batch, type_)
        try:
            skipped = self.lost
            if time.perf_counter() - START > self.seconds:
                skipped = 'not begun after %g s' % self.seconds
            if skipped:
                if (title, mode) not in self.skipped:  # f32 has a second layout
                    say('failed', **names, why='%s %s: %s' % (title, mode, skipped))
                self.skipped.add((title, mode))
                return None
            of = made()
            return run(title, batch, mode, prepare(of), lambda: how(of))
        except Exception as e:
            print('failed: %s %s' % (title, mode), file=sys.stderr)
            say('failed', **names, why='%s %s: %s' % (title, mode, why(e)))
            self.look()
            return None

    def look(self):
        """After some errors a process can do nothing on its device any more."""
        try:
            torch.cuda.synchronize()
        except Exception as e:
            self.lost = 'not begun: the device was lost before: ' + str(e).split('\n')[0]


def forget():
    gc.collect()
    torch.cuda.empty_cache()


def steps(network, seconds):
    course, kind = Course(network, seconds), STEPS[network]
    big, small, *rest = kind.batches
    sizes = [('bf16', big), ('f32', big), ('tf32', big), ('bf16', small), ('f32', small), ('tf32', small)]
    sizes += [(type_, batch) for batch in rest for type_ in ('bf16', 'f32')]
    layouts = {'NCHW': NCHW, 'channels-last': CL}
    best = list(layouts)  # of f32, where cuDNN's fast convolutions without tensor cores are NCHW's: both at first
    for type_, batch in sizes:
        allow_tf32(type_ == 'tf32')
        ms, used = {}, best if type_ == 'f32' else ['channels-last']
        for layout in used:
            made = functools.cache(lambda: kind(network, batch, type_, layouts[layout]))
            for what in (kind.training, kind.inference)[:1 if type_ == 'tf32' else 2]:
                for mode in ('eager', 'graph') if layout == used[0] else ('eager',):
                    graph = mode == 'graph'

                    def how(of):
                        partly = [of.in_graph] if graph and not of.whole else []
                        return ([layout] if type_ == 'f32' else []) + partly + of.how()
                    took = course.case(made, what, batch, type_, mode, lambda of: of.prepare(what, graph), how)
                    if took is not None and what == kind.training:
                        ms[layout] = min(took, ms.get(layout, took))
                    gc.collect()
            made.cache_clear()
            forget()
        if type_ == 'f32' and ms:
            best = [min(ms, key=ms.get)]


def compiled(network, seconds, warm):
    """Compiling takes most of the time, unless `warm` has filled the cache on disk. Where a whole step can be captured, the
    modes without graphs of their own are timed as one graph with the optimizer."""
    course, kind = Course(network, seconds), STEPS[network]
    big, small, *rest = kind.batches
    plan = [(big, 'reduce-overhead'), (big, 'default'), (small, 'reduce-overhead'), (small, 'default')]
    plan += [(batch, 'reduce-overhead') for batch in rest] + ([] if warm else [(big, AUTOTUNED)])
    allow_tf32(False)
    for batch, mode in plan:
        def make():
            torch.compiler.reset()
            of = kind(network, batch, 'bf16', CL)
            of.compile(mode)
            return of
        made = functools.cache(make)

        def how(of):
            one = ['the whole step as one graph'] if of.whole and mode != 'reduce-overhead' else []
            return [mode] + one + of.how()

        def prepare(of):
            step = of.prepare(what, False)
            begin = time.perf_counter()
            step()
            torch.cuda.synchronize()
            took = round(time.perf_counter() - begin, 1)
            replay = captured(step) if of.whole and mode != 'reduce-overhead' and not warm else lambda: step()
            replay.compile_s = took
            return replay

        def compile_only(title, batch, mode, step, how):
            step()
            torch.cuda.synchronize()
            say('warmed', step=title, how='; '.join(how()), **seconds_of(step))
        for what in (kind.training, kind.inference):
            course.case(made, what, batch, 'bf16', 'compiled', prepare, how, compile_only if warm else measure)
        made.cache_clear()
        forget()


def main(what, network=None, seconds='1e9'):
    torch.backends.cudnn.benchmark = True
    if what in ('ceilings', 'kernels') and network is None:
        {'ceilings': ceilings, 'kernels': kernels}[what]()
    elif what in ('steps', 'compiled', 'warm') and network in STEPS:
        if what == 'steps':
            steps(network, float(seconds))
        else:
            compiled(network, float(seconds), what == 'warm')
    else:
        sys.exit(__doc__)


if __name__ == '__main__':
    main(*(sys.argv[1:4] or ['']))

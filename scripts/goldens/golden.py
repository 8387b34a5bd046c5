# SPDX-License-Identifier: Apache-2.0
"""Golden files: PyTorch's numbers in f64, and beside each how far PyTorch's own f32 lies from them.

run() takes a function for each file, which records that file's numbers in torch's default dtype. It runs once in f64,
which is the truth, and in f32 in six ways: with contiguous and with channels-last images, each with PyTorch's libraries
(oneDNN, MKL, ATen) at this processor's instruction set, at AVX2 and at SSE4. One way's distance from the truth is luck
where there are few numbers, or where a ReLU's kink is near; the largest of six says what f32 costs on any processor.

Lines of a file (tests/models/golden_file.h reads them):
  KEY n v ...            numbers, as many as there are
  KEY size norm p p p s  a tensor: three random projections, 16 values
  KEY.f32 d m            f32's largest distance from it: Euclidean, and of any one element
  KEY.f32 d ...          the same of each number
  KEY.detection image x1 y1 x2 y2 score label, by falling score
  KEY.detection.f32 l b  f32's largest distance of a score's logit (beyond the score's own rounding), of a box's side
"""
import os
import subprocess
import sys
import tempfile

import numpy as np
import torch

from philox import Random

SEED = 2026
PROCESSORS = ({}, {'ONEDNN_MAX_CPU_ISA': 'AVX2', 'ATEN_CPU_CAPABILITY': 'avx2', 'MKL_ENABLE_INSTRUCTIONS': 'AVX2'},
              {'ONEDNN_MAX_CPU_ISA': 'SSE41', 'ATEN_CPU_CAPABILITY': 'default', 'MKL_ENABLE_INSTRUCTIONS': 'SSE4_2'})
LAYOUTS = (torch.contiguous_format, torch.channels_last)
layout = torch.contiguous_format


def real(values):
    """A tensor of torch's default dtype."""
    return torch.from_numpy(np.asarray(values, np.float64)).to(torch.get_default_dtype())


def laid(x):
    """An image batch, or a model, in the memory format of this way."""
    return x.to(memory_format=layout)


class Record:
    """What a file will hold: (key, kind, f64 numbers) in order."""

    def __init__(self):
        self.rows = []

    def numbers(self, key, values):
        self.rows.append((key, 'numbers', np.asarray(values, np.float64)))

    def tensor(self, key, t):
        self.rows.append((key, 'tensor', t.detach().double().contiguous().numpy().reshape(-1).copy()))

    def detections(self, key, rows):
        self.rows.append((key, 'detection', np.asarray(rows, np.float64).reshape(-1, 7)))


def record(make, dtype, memory_format):
    global layout
    layout = memory_format
    torch.set_default_dtype(dtype)
    torch.manual_seed(0)
    r = Record()
    make(r)
    return r.rows


def summary(key, x):
    norm = float(np.sqrt((x * x).sum()))
    projections = [float((x * (2.0 * Random(SEED, key, a + 1).uniform(x.size) - 1.0)).sum()) for a in range(3)]
    return [x.size, norm] + projections + list(x[Random(SEED, key).bits(16) % x.size])


def logit(score):
    return np.log(score) - np.log1p(-score)


def rounding(score):
    """How far the logit of an f32 score moves by the score's own last places: near 1 that says nothing of the network."""
    return 2.0 ** -23 / (1 - score)


def detection_distance(key, truth, rows):
    """The largest distance of logits and of sides; the same boxes must be there, in any order."""
    if len(rows) != len(truth):
        sys.exit('%s: f32 keeps %d detections, f64 %d: choose another case' % (key, len(rows), len(truth)))
    left, far = list(range(len(rows))), [0.0, 0.0]
    for t in truth:
        k = min((k for k in left if rows[k][0] == t[0] and rows[k][6] == t[6]), key=lambda k: abs(rows[k][1:5] - t[1:5]).max())
        left.remove(k)
        far = [max(far[0], abs(logit(rows[k][5]) - logit(t[5])) - rounding(t[5])), max(far[1], abs(rows[k][1:5] - t[1:5]).max())]
    if far[1] > 0.1:
        sys.exit('%s: f32 keeps other boxes than f64 (%g pixels away): choose another case' % (key, far[1]))
    return far


def distance(key, kind, truth, x):
    if kind == 'detection':
        return detection_distance(key, truth, x)
    d = np.abs(x - truth)
    return list(d) if kind == 'numbers' else [float(np.sqrt((d * d).sum())), float(d.max())]


def write(path, truth, ways):
    with open(path, 'w') as f:
        def line(key, values, form='%.12g'):
            f.write(key + ' ' + ' '.join(form % v for v in values) + '\n')

        for i, (key, kind, x) in enumerate(truth):
            if kind == 'detection':
                for row in x:
                    line(key + '.detection', row)
                key += '.detection'
            else:
                line(key, x if kind == 'numbers' else summary(key, x))
            far = np.array([distance(key, kind, x, way[i]) for way in ways])
            line(key + '.f32', far.max(0), '%.3g')


def run(files):
    """files: {name: function of a Record}. Arguments of the script: [folder of the goldens], or --f32 and a folder for
    what a run at another instruction set found."""
    if sys.argv[1:2] == ['--f32']:
        for name, make in files.items():
            for i, memory_format in enumerate(LAYOUTS):
                rows = record(make, torch.float32, memory_format)
                np.savez('%s/%s.%d.npz' % (sys.argv[2], name, i), *[x for _, _, x in rows])
        return
    out = sys.argv[1] if len(sys.argv) > 1 else 'tests/goldens'
    ways = {name: [] for name in files}
    for processor in PROCESSORS:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, sys.argv[0], '--f32', folder], env={**os.environ, **processor}, check=True)
            for name in files:
                for i in range(len(LAYOUTS)):
                    found = np.load('%s/%s.%d.npz' % (folder, name, i))
                    ways[name].append([found[k] for k in found.files])
    for name, make in files.items():
        write(os.path.join(out, name), record(make, torch.float64, torch.contiguous_format), ways[name])

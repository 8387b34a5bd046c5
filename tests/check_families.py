# SPDX-License-Identifier: Apache-2.0
"""scripts/check-families notices a name that strays: in a copy of the tree, one break at a time.

usage: python3 tests/check_families.py
"""
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
COPY = pathlib.Path(tempfile.mkdtemp())


def check(*expected):
    done = subprocess.run([sys.executable, str(ROOT / 'scripts/check-families'), str(COPY)], capture_output=True, text=True)
    assert done.returncode == (1 if expected else 0), done.stdout + done.stderr
    for text in expected:
        assert text in done.stdout, 'not said: %s\nbut: %s' % (text, done.stdout)


def rename(old, new):
    (COPY / old).rename(COPY / new)


def replace(file, old, new):
    text = (COPY / file).read_text()
    assert old in text, (file, old)
    (COPY / file).write_text(text.replace(old, new, 1))


try:
    for folder in ('tensor', 'cuda/backend', 'cuda/kernels', 'cuda/lab/cases', 'cuda/lab/mutants', 'autograd/ops', 'autograd/rows'):
        shutil.copytree(ROOT / folder, COPY / folder)
    check()

    # A file under another name, in each layer.
    for file, stray in (('tensor/cpu/reference/softmax.cpp', 'tensor/cpu/reference/loss.cpp'),
                        ('tensor/cpu/fast/conv2d.cpp', 'tensor/cpu/fast/convolution.cpp'),
                        ('cuda/backend/conv2d.cpp', 'cuda/backend/convolution.cpp'),
                        ('cuda/kernels/detection_nms.cu', 'cuda/kernels/nms.cu'),
                        ('autograd/ops/softmax.cpp', 'autograd/ops/soft_max.cpp'),
                        ('autograd/rows/optimizers.cpp', 'autograd/rows/optimizer.cpp')):
        rename(file, stray)
        check(stray + ": its name is no family's")
        rename(stray, file)

    # A primitive in another family's file, though both names are families'.
    for file, other, primitive in (('tensor/cpu/reference/resize.cpp', 'tensor/cpu/reference/memory.cpp', 'resize_bilinear'),
                                   ('tensor/cpu/fast/attention.cpp', 'tensor/cpu/fast/softmax.cpp', 'attention'),
                                   ('cuda/backend/softmax.cpp', 'cuda/backend/attention.cpp', 'softmax'),
                                   ('cuda/kernels/reductions_argmax.cu', 'cuda/kernels/detection_argmax.cu', 'argmax_rows'),
                                   ('autograd/ops/gather_rows.cpp', 'autograd/ops/reductions.cpp', 'gather_rows')):
        kept = (COPY / other).read_text() if (COPY / other).exists() else None
        rename(file, other)
        check('%s:' % other, ': %s is a primitive of family %s' % (primitive, pathlib.Path(file).stem.split('_argmax')[0]))
        rename(other, file)
        if kept is not None:
            (COPY / other).write_text(kept)

    # A method outside the folders, a primitive without one, a heading that says another word.
    (COPY / 'tensor/cpu/more.cpp').write_text('void FastBackend::softmax(const Tensor& x, Tensor& y) {}\n')
    check('tensor/cpu/more.cpp:1: softmax is a primitive of family softmax (expected in tensor/cpu/fast/softmax.cpp)')
    (COPY / 'tensor/cpu/more.cpp').unlink()
    replace('cuda/backend/softmax.cpp', 'void CudaBackend::softmax_grad(', 'void softmax_grad(')
    check('cuda/backend: softmax_grad is not defined (expected in cuda/backend/softmax.cpp)')
    replace('cuda/backend/softmax.cpp', 'void softmax_grad(', 'void CudaBackend::softmax_grad(')
    replace('tensor/primitives/conv2d.inc', '// conv2d:', '// convolution:')
    check('(expected "// conv2d: what it holds")')
    replace('tensor/primitives/conv2d.inc', '// convolution:', '// conv2d:')
    rename('tensor/primitives/conv2d.inc', 'tensor/primitives/convolution.inc')
    check('tensor/primitives/conv2d.inc: the list of family conv2d is missing', "convolution.inc: its name is no family's")
    rename('tensor/primitives/convolution.inc', 'tensor/primitives/conv2d.inc')
    replace('tensor/primitives/softmax.h', '"tensor/primitives/softmax.inc"', '"tensor/primitives/attention.inc"')
    check('tensor/primitives/softmax.h: does not declare the primitives of tensor/primitives/softmax.inc')
    replace('tensor/primitives/softmax.h', '"tensor/primitives/attention.inc"', '"tensor/primitives/softmax.inc"')
    check()
finally:
    shutil.rmtree(COPY)
print('check-families: every stray name is noticed')

# SPDX-License-Identifier: Apache-2.0
"""scripts/new-op in a copy of the tree: what it writes passes the checks of the tree, its lines stand at their places,
and a name that is in use in any form is refused and leaves no trace. (That the result compiles and passes its tests is
not tried here: a build of it takes minutes.)

usage: python3 tests/new_op.py
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
COPY = pathlib.Path(tempfile.mkdtemp())
SOURCES = ('.h', '.cpp', '.cu', '.cuh', '.inc', '.cmake', '.txt', '.py', '')


def copy_tree():
    def others(folder, names):
        return [n for n in names if (pathlib.Path(folder) / n).is_file() and pathlib.Path(n).suffix not in SOURCES
                or n == '__pycache__']
    for folder in ('tensor', 'autograd', 'cuda', 'scripts', 'nn', 'models', 'data', 'eval', 'report', 'train', 'study', 'apps', 'bench'):
        shutil.copytree(ROOT / folder, COPY / folder, ignore=others)
    shutil.copy(ROOT / '.clang-format', COPY)
    track()


def track():
    """scripts/check-includes asks git for the folders."""
    for command in (['init', '-q'], ['add', '-A']):
        subprocess.run(['git', *command], cwd=COPY, check=True)


def snapshot():
    return {f.relative_to(COPY).as_posix(): f.stat().st_mtime_ns for f in COPY.rglob('*') if f.is_file() and '.git' not in f.parts}


def run(script, *arguments, expect=0):
    done = subprocess.run([str(COPY / 'scripts' / script), *arguments], capture_output=True, text=True, cwd=COPY)
    assert done.returncode == expect, '%s %s: %d\n%s%s' % (script, arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def refuse(name, *said, forms=((), ('--unary',))):
    for form in ((*form, name) for form in forms):
        before = snapshot()
        text = run('new-op', *form, expect=2)
        for words in said:
            assert words in text, '%s: not said: %s\nbut: %s' % (form, words, text)
        assert snapshot() == before, '%s left a trace' % (form,)


def keys(file, pattern):
    return re.findall(pattern, (COPY / file).read_text(), re.M)


def expect_sorted(file, pattern, name):
    found = keys(file, pattern)
    assert name in found, '%s: %s is missing' % (file, name)
    assert found == sorted(found), '%s: not sorted: %s' % (file, found)


def expect_lists(name):
    for file, pattern in (('tensor/CMakeLists.txt', r'^  cpu/reference/(\w+)\.cpp'), ('autograd/CMakeLists.txt', r'^  ops/(\w+)\.cpp'),
                          ('autograd/CMakeLists.txt', r'^  rows/(\w+)\.cpp'), ('cuda/kernels/CMakeLists.txt', r'^  (\w+)\.cu$'),
                          ('tensor/primitives/backend.h', r'^#include "tensor/primitives/(\w+)\.h"'),
                          ('cuda/lab/cases/families.h', r'^void add_(\w+)_cases'), ('cuda/lab/cases/all_cases.cpp', r'^    add_(\w+)_cases'),
                          ('cuda/lab/mutants/CMakeLists.txt', r'^include\((\w+)\.cmake\)'),
                          ('bench/gpu_kernels/not_timed.txt', r'^(\w+): ')):
        expect_sorted(file, pattern, name)
    # Families have an order of their own, which the rows follow.
    families = keys('tensor/primitives/all.inc', r'^#include "tensor/primitives/(\w+)\.inc"')
    for file, pattern in (('autograd/rows/rows.h', r'^std::vector<OperatorRow> (\w+)_operator_rows'),
                          ('autograd/rows/rows.cpp', r'^      (\w+)_operator_rows\(\)')):
        rows = keys(file, pattern)
        assert rows == [f for f in families if f in rows] + ['shape'], (file, rows)
        assert name in rows, (file, name)


try:
    copy_tree()
    # In use: a primitive, an operator, its gradient, functors of both kinds and their class, a kernel, a case, a mutant,
    # a file, a type; and words that no operator can have.
    for name, said in (('softmax', 'tensor/primitives/softmax'), ('nms', 'a primitive'), ('concat', 'a function'), ('relu', 'an element-wise function'),
                       ('minimum', 'an element-wise function'), ('argsort', 'a kernel case'), ('cross_entropy', 'a row'),
                       ('softmax_lanes_bound', 'a mutant'), ('detection_top_k', 'the file carries the name'), ('sort', 'the file carries the name'),
                       ('tensor', 'a type'), ('unary_grad', 'made with the operator'), ('class', 'a word of C++'), ('xor_eq', 'a word of C++'),
                       ('Softmax', 'lower_case'), ('two__lines', 'lower_case'), ('2d', 'lower_case'), ('', 'lower_case'), ('t', 'two letters'), ('uint8_t', 'a word of C++')):
        refuse(name, said, forms=((),))
    for name in ('softmax', 'relu', 'class'):
        refuse(name)
    run('new-op', expect=2)

    # First, last and between the others; and a name twice.
    for name in ('aardvark', 'group_norm', 'zebra'):
        text = run('new-op', name)
        assert '--unary ' + name in text.split('\n\n')[0], text
        for word in ('Open, in this order:', 'autograd/ops/%s.cpp' % name, 'cuda/lab/mutants/%s.cmake' % name, '--filter ' + name):
            assert word in text, '%s: %s' % (word, text)
        for file in re.findall(r'^  (\S+/\S+)  ', text, re.M):
            assert (COPY / file).is_file() or file.startswith('build/'), file
        expect_lists(name)
        run('check-families')
        run('check-includes')
        refuse(name, 'is in use')
    refuse('aardvark_grad', 'made with the operator')

    for name in ('hard_swish', 'mish'):
        text = run('new-op', '--unary', name)
        assert 'struct %s' % name.title().replace('_', '') in text, text
        for file in ('tensor/elementwise.h', 'autograd/ops/elementwise.h', 'autograd/ops/elementwise.cpp', 'autograd/rows/elementwise.cpp',
                     'cuda/lab/cases/elementwise.cpp', 'scripts/goldens/operators.py'):
            assert name in (COPY / file).read_text(), (file, name)
        run('check-families')
        run('check-includes')
        refuse(name, 'is in use')

    # A list that is no longer as the script knows it: it says which, and writes nothing.
    rows = COPY / 'autograd/rows/rows.h'
    rows.write_text(rows.read_text().replace('shape_operator_rows', 'views_operator_rows'))
    before = snapshot()
    assert 'autograd/rows/rows.h' in run('new-op', 'late_one', expect=1)
    assert snapshot() == before
finally:
    shutil.rmtree(COPY)
print('ok')

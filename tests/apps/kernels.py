# SPDX-License-Identifier: Apache-2.0
"""`cawe kernels` as a kernel researcher uses it: the lesson's files, the template, the includes of before, JSON, the
page, wrong usage.

usage: python3 tests/apps/kernels.py build/release/cawe
"""
import json
import os
import shutil

from common import ROOT, WORK, cawe

LESSON = ROOT / 'docs/lessons/your_own_kernel'


def run(*args, code=0):
    return cawe('kernels', *args, code=code)


def profile(path, code=0):
    """The one case of a kernel file, from --json."""
    return json.loads(run(path, '--profile', '--json', '--quiet', '--no-nvcc', code=code).stdout)['cases'][0]


def line_of(path, text):
    return 1 + [text in line for line in path.read_text().splitlines()].index(True)


# The lesson: what each file shows.
wrong = LESSON / '1_wrong.cuh'
case = profile(wrong, code=1)
assert any('out-of-bounds' in c and '1_wrong.cuh:%d' % line_of(wrong, 'float largest = x[') in c
           for c in case['complaints']), case['complaints']
slow = profile(LESSON / '2_slow.cuh')
assert slow['counters']['global_sectors'] > 7 * slow['counters']['global_ideal_sectors'], slow['counters']
race = LESSON / '3_race.cuh'
case = profile(race, code=1)
assert any('race-' in c and '3_race.cuh:%d' % line_of(race, 'partial[warp] = largest') in c
           for c in case['complaints']), case['complaints']
fixed = WORK / 'fixed.cuh'
fixed.write_text(race.read_text().replace('partial[warp] = largest;', 'partial[warp] = largest;\n  __syncthreads();'))
assert profile(fixed)['passed']
final = profile(LESSON / '4_final.cuh')
# 500 rows of 25 sectors and 500 stores of one.
assert final['counters']['global_sectors'] == 13000 and final['counters']['global_requests'] == 1500, final['counters']

# The template runs as it stands; it is not written over a file.
run('--template', 'mine.cuh')
mine = profile(WORK / 'mine.cuh')
assert mine['passed']
assert 'exists already' in run('--template', 'mine.cuh', code=2).stderr

# Files with the includes of before, and with those of the tree, compile as the template does, here and with nvcc.
INCLUDE = '#include "cawe/kernel.cuh"\n'
NVCC = shutil.which('nvcc') or os.path.exists('/usr/local/cuda/bin/nvcc')
for name, headers in (('template', ['cawe/kernel.cuh']),
                      ('before', ['cuda/simt/simt.cuh', 'cuda/workbench/workbench.h']),
                      ('tree', ['cuda/emulator/simt/simt.cuh', 'cuda/lab/workbench/workbench.h']),
                      ('twice', ['cuda/workbench/workbench.h', 'cawe/kernel.cuh', 'cuda/simt/simt.cuh'])):
    path = WORK / (name + '.cuh')
    text = (WORK / 'mine.cuh').read_text()
    assert INCLUDE in text
    path.write_text(text.replace(INCLUDE, ''.join('#include "%s"\n' % header for header in headers)))
    case = profile(path)
    assert case['passed'] and case['counters'] == mine['counters'], (name, case)
    if NVCC:
        assert 'axpy' in run(path, '--arch', 'sm_90', '--no-nvcc').stdout, name

# Launches that no device would run are complaints.
KERNEL = INCLUDE + '''
__global__ void __launch_bounds__(128) mine(float* y) {
  __shared__ float s[%d];
  s[threadIdx.x] = 1.f;
  __syncthreads();
  y[threadIdx.x] = s[threadIdx.x];
}
void cawe_run(cawe::Workbench& bench) {
  float* y = bench.output<float>(%d);
  static float ones[256];
  for (float& one : ones) one = 1.f;
  CAWE_LAUNCH(mine, 1, %d, 0, nullptr, y);
  bench.expect("y", y, ones, %d, 0);
}
'''
for name, floats, threads, words in (('right', 12288, 128, None), ('bound', 256, 129, '__launch_bounds__(128)'),
                                     ('shared', 12289, 128, '49156 B of static shared memory')):
    path = WORK / (name + '.cuh')
    path.write_text(KERNEL % (floats, threads, threads, threads))
    case = profile(path, code=1 if words else 0)
    assert case['passed'] == (words is None), case
    assert words is None or any('refused launch of mine' in c and words in c for c in case['complaints']), case

# Cases hold in the program's own floating-point mode, which counts denormals as zero: a GPU keeps them.
cases = json.loads(run('--profile', '--filter', 'argsort', '--json', '--quiet', '--no-nvcc').stdout)['cases']
assert any('special' in c['shape'] for c in cases) and all(c['passed'] for c in cases), cases

# The page draws the request; nothing in it asks for the network.
run(LESSON / '2_slow.cuh', '--html', 'page.html', '--quiet', '--no-nvcc')
page = (WORK / 'page.html').read_text()
assert '2_slow.cuh' in page and page.count('<svg') >= 3 and 'http' not in page

# What goes wrong is said in one line.
assert 'no such kernel file' in run('nothing.cuh', code=2).stderr
(WORK / 'broken.cuh').write_text('int x')
assert 'does not compile' in run('broken.cuh', code=3).stderr
(WORK / 'empty.cuh').write_text('int x;')
assert 'cawe_run' in run('empty.cuh', code=3).stderr
(WORK / 'silent.cuh').write_text('\n'.join(l for l in (WORK / 'mine.cuh').read_text().splitlines()
                                           if 'bench.expect' not in l))
assert 'compares nothing' in run('silent.cuh', '--no-nvcc', code=3).stderr
assert 'no kernel case' in run('--filter', 'no such kernel', code=2).stderr
assert 'no ladder' in run('--ladder', 'no such ladder', code=2).stderr

# Whole steps: one that is alone comes with its primitives; nothing of a step comes to the host but its loss and norm, in
# one copy, and what goes to the device are its films, one f32 a pixel, in copies of at most 4 MiB.
step, = json.loads(run('--steps', '--json', '--filter', 'resnet50 training b32 bf16').stdout)['steps']
assert step['to_host']['count'] == 1 and step['to_device'] == {'count': 2, 'bytes': 32 * 224 * 224 * 4}, step
assert [p['calls'] for p in step['primitives'] if p['name'] == 'normalise_films'] == [1], step
assert step['launches'] == sum(p['launches'] for p in step['primitives']), step
for p in step['primitives']:
    assert p['launches'] == sum(p['kernels'].values()) and p['predicted_ms'].keys() == step['predicted_ms'].keys(), p
assert step['host_waits'] == 2 + 1 + 1, step  # for the pinned memory of each copy, and for loss and norm
assert step['bytes'] == sum(p['bytes'] for p in step['primitives']) > step['floor_bytes'] > 0
times = step['predicted_ms']
assert set(times) == {'P40', 'A100-80', 'H100', 'H200'}
assert times['P40']['captured'] > times['A100-80']['captured'] > times['H100']['captured'] > times['H200']['captured'] > 0
text = run('--steps', '--filter', 'resnet50 inference b2 f32').stdout
assert 'conv2d' in text and 'map_nchw' in text and 'nothing measured' in text
assert '--steps and --profile' in run('--steps', '--profile', code=2).stderr
for option in (['--gpu', 'H100'], ['--seeds', '0,1,7'], ['--no-nvcc']):  # their usual values, too
    assert '--steps and ' + option[0] in run('--steps', *option, code=2).stderr, option
assert '--steps and FILE' in run('mine.cuh', '--steps', code=2).stderr
assert 'no step' in run('--steps', '--filter', 'alexnet', code=2).stderr
for option in (['--profile'], ['--sites'], ['--json'], ['--seeds', '1'], ['--html', 'x.html']):
    assert '--arch and ' + option[0] in run('--arch', 'sm_90', *option, code=2).stderr, option

# An architecture that is none is wrong usage, in one line and nothing else, whatever stands beside it.
for arch in ('sm_12', 'sm_77', 'sm_75a', 'sm_9') if NVCC else ():
    refused = run('--arch', 'sm_90,' + arch, '--filter', 'softmax f32 1x1', code=2)
    assert refused.stdout == '' and refused.stderr.count('\n') == 1, refused

# Listing and JSON.
listed = json.loads(run('--json').stdout)['cases']
assert {'name', 'shape', 'file'} <= set(listed[0])
assert all((ROOT / r['file']).exists() for r in listed)
print('kernels: the lesson, the template, the page and wrong usage hold; %d cases' % len(listed))

# SPDX-License-Identifier: Apache-2.0
"""`cawe kernels` as a kernel researcher uses it: the lesson's files, the template, JSON, the page, wrong usage.

usage: python3 tests/apps/kernels.py build/release/cawe
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parents[2]
LESSON = ROOT / 'docs/lessons/your_own_kernel'
WORK = pathlib.Path(tempfile.mkdtemp())


def run(*args, code=0):
    done = subprocess.run([PROGRAM, 'kernels'] + [str(a) for a in args], cwd=WORK, capture_output=True, text=True, timeout=300)
    assert done.returncode == code, '%s: exit code %d (expected %d)\n%s%s' % (args, done.returncode, code, done.stdout, done.stderr)
    return done


def profile(path, code=0):
    """The one row of a kernel file, from --json."""
    return json.loads(run(path, '--profile', '--json', '--quiet', '--no-nvcc', code=code).stdout)['rows'][0]


def line_of(path, text):
    return 1 + [text in line for line in path.read_text().splitlines()].index(True)


# The lesson: what each file shows.
wrong = LESSON / '1_wrong.cuh'
row = profile(wrong, code=1)
assert any('out-of-bounds' in c and '1_wrong.cuh:%d' % line_of(wrong, 'float largest = x[') in c for c in row['complaints']), row['complaints']
slow = profile(LESSON / '2_slow.cuh')
assert slow['counters']['global_sectors'] > 7 * slow['counters']['global_ideal_sectors'], slow['counters']
race = LESSON / '3_race.cuh'
row = profile(race, code=1)
assert any('race-' in c and '3_race.cuh:%d' % line_of(race, 'partial[warp] = largest') in c for c in row['complaints']), row['complaints']
fixed = WORK / 'fixed.cuh'
fixed.write_text(race.read_text().replace('partial[warp] = largest;', 'partial[warp] = largest;\n  __syncthreads();'))
assert profile(fixed)['passed']
final = profile(LESSON / '4_final.cuh')
# 500 rows of 25 sectors and 500 stores of one.
assert final['counters']['global_sectors'] == 13000 and final['counters']['global_requests'] == 1500, final['counters']

# The template runs as it stands; it is not written over a file.
run('--template', 'mine.cuh')
assert profile(WORK / 'mine.cuh')['passed']
assert 'exists already' in run('--template', 'mine.cuh', code=2).stderr

# Cases hold in the program's own floating-point mode, which counts denormals as zero: a GPU keeps them.
rows = json.loads(run('--profile', '--filter', 'argsort', '--json', '--quiet', '--no-nvcc').stdout)['rows']
assert any('special' in r['shape'] for r in rows) and all(r['passed'] for r in rows), rows

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
(WORK / 'silent.cuh').write_text('\n'.join(l for l in (WORK / 'mine.cuh').read_text().splitlines() if 'bench.expect' not in l))
assert 'compares nothing' in run('silent.cuh', '--no-nvcc', code=3).stderr
assert 'no kernel row' in run('--filter', 'no such kernel', code=2).stderr
assert 'no ladder' in run('--ladder', 'no such ladder', code=2).stderr

# Listing and JSON.
listed = json.loads(run('--json').stdout)['rows']
assert {'name', 'shape', 'file'} <= set(listed[0])
assert all((ROOT / r['file']).exists() for r in listed)
print('kernels: the lesson, the template, the page and wrong usage hold; %d rows' % len(listed))

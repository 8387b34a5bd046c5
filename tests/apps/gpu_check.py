# SPDX-License-Identifier: Apache-2.0
"""scripts/gpu-check with made-up programs and a made-up card: what is lost, hangs or takes too long loses nothing else, and
a run that is killed leaves a whole archive.

usage: python3 tests/apps/gpu_check.py
"""
import fnmatch
import json
import os
import shutil
import signal
import subprocess
import tarfile
import time

from common import ROOT, WORK

TREE, OUT, TOOLS, CARRIED = WORK / 'tree', WORK / 'out', WORK / 'tools', WORK / 'carried'
PROGRAMS = ('cawe', 'cawe_device_cases', 'device_operators_on_gpu', 'training_step_on_gpu', 'training_step_detectors_on_gpu',
            'training_step_gan_on_gpu', 'step_runner_on_gpu', 'bench_gpu_steps', 'bench_gpu_kernels', 'bench_gpu_convolutions')
# Six cases: the device is lost in the third, whose line is printed; in the fifth the program dies.
CASES = '''for i in 0 1 2 3 4 5; do
  [ $i -ge $from ] || continue
  [ $i -ne 4 ] || [ -n "$once" ] || kill -SEGV $$
  echo "{\\"name\\":\\"case\\",\\"shape\\":\\"$i\\",\\"passed\\":$([ $i -eq 2 ] && echo false || echo true),\\"error\\":0,\\"tolerance\\":0}"
  [ $i -ne 2 ] || [ -n "$once" ] || exit 9
done'''
OPTIONS = '''from=0 once=
while [ $# -gt 0 ]; do
  case $1 in --skip|--from) from=$2; shift ;; --once) once=1 ;; --count) echo 6; exit ;; esac
  shift
done
'''


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('#!/bin/bash\n' + text + '\n')
    path.chmod(0o755)


def carry(**texts):
    """The archive of --prepare, with these programs."""
    shutil.rmtree(CARRIED, ignore_errors=True)
    for name in PROGRAMS:
        program(CARRIED / 'bin' / name, OPTIONS + texts.get(name, 'echo "{\\"case\\":\\"%s\\"}"' % name))
    for name, text in {'archs.txt': '90\n', 'counted.txt': 'case 1\n', 'emulated.json': '{"cases": []}', 'revision.txt': 'abc\n'}.items():
        (CARRIED / name).write_text(text)
    (CARRIED / 'lib').mkdir()
    (TREE / 'build').mkdir(exist_ok=True)
    with tarfile.open(TREE / 'build/gpu-check.tar.xz', 'w:xz', preset=0) as out:
        for path in sorted(CARRIED.iterdir()):
            out.add(path, path.name)


def start(*arguments, seconds=480, **more):
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    environment = dict(os.environ, PATH='%s:%s' % (TOOLS, os.environ['PATH']), OUT=str(OUT), CAWE_GPU_SECONDS=str(seconds))
    environment.update(more)
    return subprocess.Popen([TREE / 'scripts/gpu-check', *arguments], env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, start_new_session=True)


def finish(run):
    said = run.communicate(timeout=100)[0]
    return run.returncode, said


def archived(pattern):
    """The files of the archive whose names match, as one text; every member is read, so that a broken archive is noticed."""
    with tarfile.open(OUT / 'results.tar.gz') as archive:
        texts = {member.name: archive.extractfile(member).read().decode() for member in archive if member.isfile()}
    found = [text for name, text in texts.items() if fnmatch.fnmatch(name, 'results/' + pattern)]
    assert found, '%s is none of %s' % (pattern, sorted(texts))
    return ''.join(found)


(TREE / 'scripts/peer').mkdir(parents=True)
shutil.copy(ROOT / 'scripts/gpu-check', TREE / 'scripts')
program(TREE / 'scripts/gpu-build', 'echo "no build is wanted here"; exit 1')
program(TREE / 'scripts/gpu-program', 'echo "ok    all"')
(TREE / 'scripts/peer/torch_gpu.py').write_text('import json, sys\nprint(json.dumps({"case": " ".join(sys.argv[1:])}))\n')
program(TOOLS / 'nvidia-smi', 'case $* in *compute_cap*) echo 9.0 ;; *) echo "A card, 1, 143771 MiB, 1980 MHz, 3201 MHz" ;; esac')
program(TOOLS / 'nvcc', 'echo "release 13.0"; echo build')
program(TOOLS / 'ldd', 'echo "libc.so.6 => /lib/libc.so.6"')
program(TOOLS / 'ncu', 'for last; do :; done; echo "ncu of $last"')
program(TOOLS / 'compute-sanitizer', 'while [ "${1#*/bin/}" = "$1" ]; do shift; done; "$@"; echo "========= ERROR SUMMARY: 0 errors"')

# Behind a case that loses the device, and behind one at which the program dies, the others are run; a bench goes on
# behind the part that lost the device.
carry(cawe_device_cases=CASES,
      bench_gpu_kernels='for i in 0 1 2; do [ $i -ge $from ] || continue; echo "{\\"part\\":$i}"; [ $i -ne 1 ] || exit 101; done')
code, said = finish(start())
assert code == 1 and 'no build is wanted' not in said, said
cases = [json.loads(line) for line in archived('cases.jsonl').splitlines()]
assert [case['passed'] for case in cases] == [True, True, False, True, False, True], cases
assert cases[4]['shape'] == 'case 5 of the list' and cases[4]['message'] == 'exit 139', cases
assert 'cases: 4 of 6 hold' in said and archived('cases.count') == '6\n', said
assert [json.loads(line)['part'] for line in archived('kernels.jsonl').splitlines()] == [0, 1, 2]
assert archived('racecheck.txt').count('"name":"case"') == 6 and 'ERROR SUMMARY' in archived('memcheck.txt')
assert archived('emulated.json') == '{"cases": []}'
assert 'steps generator' in archived('torch_steps_generator.jsonl') and 'bench_gpu_steps' in archived('steps_critic.jsonl')
assert 'kernels.jsonl.part: exit 101' in archived('console_*.txt') and 'left:' not in said, said
assert sorted(path.name for path in OUT.iterdir()) == ['results.tar.gz'], list(OUT.iterdir())

# The time of all together: what hangs is stopped, and what is left is named.
carry(bench_gpu_kernels='sleep 300', cawe_device_cases=CASES)
began = time.monotonic()
code, said = finish(start('--part', 'kernels', 'counters', 'profile', seconds=8))
assert code == 1 and 'left: scripts/gpu-check --part kernels counters profile' in said, said
assert time.monotonic() - began < 20
assert 'torch_kernels.jsonl: not begun' in archived('console_*.txt')
# Programs that were carried anew are unpacked; the earlier results are kept apart.
assert (TREE / 'build/gpu-check/results.old/cases.jsonl').exists()
assert not (TREE / 'build/gpu-check/results/cases.jsonl').exists()

# Killed in the middle of a part: what it had written is in a whole archive.
carry(bench_gpu_kernels='echo "{\\"part\\":0}"; sleep 300', cawe_device_cases=CASES)
run = start('--part', 'facts', 'kernels')
limit = time.monotonic() + 60
while not (OUT / 'results.tar.gz').exists() and time.monotonic() < limit:
    time.sleep(0.1)
os.killpg(run.pid, signal.SIGKILL)
run.wait()
assert 'A card' in archived('device.txt') and archived('kernels.jsonl.part') == '{"part":0}\n'

# One network anew: the others' results stay, and only its own are made again.
carry(bench_gpu_steps='echo "{\\"case\\":\\"of $*\\"}"')
assert finish(start('--part', 'steps'))[0] == 0
results = TREE / 'build/gpu-check/results'
(results / 'steps_critic.jsonl').write_text('kept')
environment = dict(CAWE_GPU_STEPS='generator')
code, said = finish(start('--part', 'steps', **environment))
assert code == 0 and 'steps_generator.jsonl' in said and 'graph' not in said, said
assert archived('steps_critic.jsonl') == 'kept' and 'retinanet' in archived('torch_steps_retinanet.jsonl')

# Wrong input: one line, whatever the machine has, and nothing begun.
for arguments, environment, line in (
        (['--part', 'nonsense'], {}, "gpu-check: there is no part 'nonsense' (expected some of: facts cases tests steps kernels counters "
         'profile compiled convolutions program)\n'),
        (['--part'], {}, 'gpu-check: no part is named (expected some of: facts cases tests steps kernels counters profile compiled '
         'convolutions program)\n'),
        ([], dict(CAWE_GPU_SECONDS='abc'), "gpu-check: CAWE_GPU_SECONDS is 'abc' (expected a number of seconds)\n"),
        ([], dict(CAWE_GPU_SECONDS='-3'), "gpu-check: CAWE_GPU_SECONDS is '-3' (expected a number of seconds)\n"),
        ([], dict(CAWE_GPU_STEPS='resnet50 retinannet'), "gpu-check: CAWE_GPU_STEPS names 'retinannet' (expected some of: resnet50 "
         'retinanet faster_rcnn generator critic)\n'),
        ([], dict(OUT='/nowhere'), "gpu-check: OUT is '/nowhere' (expected a folder that can be written)\n"),
        (['--all'], {}, "gpu-check: unknown option '--all' (expected --prepare, --build, --part NAME or --report)\n")):
    assert finish(start(*arguments, **environment)) == (2, line), (arguments, environment)
    assert list(OUT.iterdir()) == []

# No card: said, and nothing written.
program(TOOLS / 'nvidia-smi', 'exit 9')
code, said = finish(start())
assert code == 77 and said == 'gpu-check: no NVIDIA GPU here (nvidia-smi finds none); nothing was checked\n', said
assert list(OUT.iterdir()) == []
print('gpu_check: ok')

# SPDX-License-Identifier: Apache-2.0
"""scripts/gpu-check with made-up programs and a made-up card: what is lost, hangs or takes too long loses nothing else, and
a run that is killed leaves a whole archive. What it asks of other programs is there: cases of bench_gpu_steps, where that is
built, networks of PyTorch's scripts, names of tests.

usage: python3 tests/apps/gpu_check.py [BENCH_GPU_STEPS]
"""
import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
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
OPTIONS = '''from=0 once= settled=
while [ $# -gt 0 ]; do
  case $1 in --skip|--from) from=$2; shift ;; --once) once=1 ;; --count) echo 6; exit ;; --gtest_filter=-*) settled=${1#*=-} ;; esac
  shift
done
'''
# Six parts: in the second the device is lost, in the fourth the program dies, in the fifth it says nothing more.
PARTS = '''for i in 0 1 2 3 4 5; do
  [ $i -ge $from ] || continue
  echo "{\\"begin\\":$i}"
  echo "{\\"case\\":\\"of part $i\\"}"
  case $i in 1) exit 101 ;; 3) echo "why it died" >&2; printf '{"case'; kill -ABRT $$ ;; 4) sleep 300 ;; esac
  echo "{\\"case\\":\\"rest of part $i\\"}"
done'''
# Six tests: the second loses the device, so that the third fails, too; the fourth and the fifth die.
TESTS = '''lost=
echo "[==========] Running 6 tests from 1 test suite."
for i in 0 1 2 3 4 5; do
  [[ ":$settled:" != *":T.$i:"* ]] || continue
  echo "[ RUN      ] T.$i"
  [ $i -ne 3 ] && [ $i -ne 4 ] || kill -SEGV $$
  [ $i -ne 1 ] || lost=1
  if [ -n "$lost" ]; then echo "[  FAILED  ] T.$i, where GetParam() = 1 (9 ms)"; else echo "[       OK ] T.$i (9 ms)"; fi
done
echo "[==========] 6 tests from 1 test suite ran. (9 ms total)"
[ -z "$lost" ]'''


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


def wait_until(holds, seconds=60):
    limit = time.monotonic() + seconds
    while not holds() and time.monotonic() < limit:
        time.sleep(0.1)
    assert holds()


def members(archive='results.tar.gz'):
    """{name: text}; every member is read, so that a broken archive is noticed."""
    with tarfile.open(OUT / archive) as opened:
        return {member.name: opened.extractfile(member).read().decode(errors='replace') for member in opened if member.isfile()}


def archived(pattern, archive='results.tar.gz'):
    """The files of the archive whose names match, as one text."""
    texts = members(archive)
    found = [text for name, text in texts.items() if fnmatch.fnmatch(name, 'results/' + pattern)]
    assert found, '%s is none of %s' % (pattern, sorted(texts))
    return ''.join(found)


(TREE / 'scripts/peer').mkdir(parents=True)
shutil.copy(ROOT / 'scripts/gpu-check', TREE / 'scripts')
shutil.copytree(ROOT / 'scripts/gpu_check', TREE / 'scripts/gpu_check')
program(TREE / 'scripts/gpu-build', 'echo "no build is wanted here"; exit 1')
program(TREE / 'scripts/gpu-program', 'echo "ok    all"')
(TREE / 'scripts/peer/torch_gpu.py').write_text('import json, sys\nprint(json.dumps({"case": " ".join(sys.argv[1:])}))\n')
program(TOOLS / 'nvidia-smi', 'case $* in *compute_cap*) echo 9.0 ;; *) echo "A card, 1, 143771 MiB, 1980 MHz, 3201 MHz" ;; esac')
program(TOOLS / 'nvcc', 'echo "release 13.0"; echo build')
program(TOOLS / 'ldd', 'echo "libc.so.6 => /lib/libc.so.6"')
program(TOOLS / 'ncu', 'for last; do :; done; echo "ncu of $last"')
program(TOOLS / 'compute-sanitizer', 'while [ "${1#*/bin/}" = "$1" ]; do shift; done; "$@"; echo "========= ERROR SUMMARY: 0 errors"')

# Behind a case that loses the device, and behind one at which the program dies, the others are run. A bench goes on behind the
# part that lost the device, in which it died or hung; tests behind the one that died, and those that failed for want of a device
# once more. What a library said of an error is there, and no file where it said nothing.
carry(cawe_device_cases=CASES, bench_gpu_kernels=PARTS, step_runner_on_gpu=TESTS,
      training_step_gan_on_gpu=TESTS.replace('kill -SEGV $$', ':'), training_step_on_gpu=TESTS.replace('lost=1', ':'),
      bench_gpu_steps='for to in "$CUDNN_LOGDEST_DBG" "$CUBLASLT_LOG_FILE"; do : >"${to//%i/$$}"; done\n'
                      'echo "said $CUDNN_LOGLEVEL_DBG" >"${CUDNN_LOGDEST_DBG//%i/7}"')
code, said = finish(start())
assert code == 1 and 'no build is wanted' not in said, said
cases = [json.loads(line) for line in archived('cases.jsonl').splitlines()]
assert [case['passed'] for case in cases] == [True, True, False, True, False, True], cases
assert cases[4]['shape'] == 'case 5 of the list' and cases[4]['message'] == 'exit 139', cases
assert 'cases: 4 of 6 hold' in said and archived('cases.count') == '6\n', said
parts = archived('kernels.jsonl').splitlines()
assert parts.pop(11) == '{"case', parts  # it died as it was printing
parts = [json.loads(line) for line in parts]
assert [part['begin'] for part in parts if 'begin' in part] == [0, 1, 2, 3, 4, 5], parts
assert [part['case'] for part in parts if 'rest' in part.get('case', '')] == ['rest of part %d' % i for i in (0, 2, 5)], parts
assert [(part['case'], part['failed']) for part in parts if 'failed' in part] == [
    ('kernels, part 1', 'exit 101; the case before: of part 1'), ('kernels, part 3', 'exit 134; the case before: of part 3'),
    ('kernels, part 4', 'no word for 9 s; the case before: of part 4')], parts
assert archived('kernels.jsonl.err') == 'why it died\n'  # what came behind it said nothing
for name, began, held in (('step_runner', '0123245', '025'), ('training_step_gan', '0123452345', '02345'), ('training_step', '012345', '0125')):
    tests = archived(name + '.txt').splitlines()
    for mark, numbers in ((' RUN      ', began), ('       OK ', held)):
        assert ''.join(line[15] for line in tests if line.startswith('[%s] T.' % mark)) == numbers, (name, mark, tests)
assert archived('steps_critic.jsonl.cudnn') == 'said 1\n' and 'torch_steps_critic.jsonl.cudnn' not in ' '.join(members())
assert not [name for name in members() if re.search(r'cudnn\.|cublaslt', name)], members()
assert archived('racecheck.txt').count('"name":"case"') == 6 and 'ERROR SUMMARY' in archived('memcheck.txt')
assert 'steps generator' in archived('torch_steps_generator.jsonl')
assert 'kernels.jsonl: exit 101' in archived('console_*.txt') and 'left:' not in said, said
# What is large has an archive of its own.
assert archived('emulated.json', 'results-counts.tar.gz') == '{"cases": []}' and 'results/emulated.json' not in members()
assert sorted(members('results-counts.tar.gz'))[1] == 'results/ncu.csv' and 'results/ncu.csv' not in members()
assert sorted(path.name for path in OUT.iterdir()) == ['results-counts.tar.gz', 'results.tar.gz'], list(OUT.iterdir())

# The time of all together: what hangs is stopped, and what is left is named.
carry(bench_gpu_kernels='echo "{\\"begin\\":2}"; sleep 300', cawe_device_cases=CASES)
began = time.monotonic()
code, said = finish(start('--part', 'kernels', 'counters', 'profile', seconds=8))
assert code == 1 and 'left: scripts/gpu-check --part kernels counters profile' in said, said
assert time.monotonic() - began < 20
assert 'torch_kernels.jsonl: not begun' in archived('console_*.txt')
assert json.loads(archived('kernels.jsonl').splitlines()[1]) == {'case': 'kernels, part 2', 'failed': 'cut, its time was up'}
# What a call has no time for does not take what an earlier one measured.
kept = TREE / 'build/gpu-check/results/steps_critic.jsonl'
kept.write_text('measured\n')
program(TREE / 'build/gpu-check/bin/bench_gpu_steps', 'sleep 300')
code, said = finish(start('--part', 'steps', seconds=9, CAWE_GPU_STEPS='resnet50 critic'))
assert code == 1 and kept.read_text() == 'measured\n' and 'steps_critic.jsonl: not begun' in said, said
assert 'no archive' not in said, said
# Programs that were carried anew are unpacked; the earlier results are kept apart.
assert (TREE / 'build/gpu-check/results.old/cases.jsonl').exists()
assert not (TREE / 'build/gpu-check/results/cases.jsonl').exists()

# Killed in the middle of a part: what it had written is in a whole archive.
carry(bench_gpu_kernels='echo "{\\"part\\":0}"; sleep 300', cawe_device_cases=CASES)
run = start('--part', 'facts', 'kernels')
wait_until((OUT / 'results.tar.gz').exists)
os.killpg(run.pid, signal.SIGKILL)
run.wait()
assert 'A card' in archived('device.txt') and archived('kernels.jsonl') == '{"part":0}\n'

# Ended by a signal to itself alone: so is what it runs, and the archive is whole.
carry(bench_gpu_kernels='echo $$ >"$OUT/process"; echo "{\\"part\\":0}"; exec sleep 300', cawe_device_cases=CASES)
run = start('--part', 'kernels')
wait_until((OUT / 'process').exists)
time.sleep(0.5)
run.terminate()
assert finish(run)[0] == 1 and archived('kernels.jsonl') == '{"part":0}\n'
process = int((OUT / 'process').read_text())
wait_until(lambda: not os.path.exists('/proc/%d' % process), 10)

# So do the tests, and none begins another.
carry(step_runner_on_gpu='echo begun >>"$OUT/begun"; echo "[==========] Running"; echo "[ RUN      ] T.1"; exec sleep 300',
      training_step_on_gpu=TESTS)
run = start('--part', 'tests')
wait_until((OUT / 'begun').exists)
time.sleep(1)
run.terminate()
code, said = finish(run)
time.sleep(3)
assert code == 1 and (OUT / 'begun').read_text() == 'begun\n' and 'No such file' not in said, said

# A flood is looked at in its last part alone, and left out of the archive: the time of all together is kept.
carry(bench_gpu_kernels='echo "{\\"begin\\":0}"; yes "{\\"case\\":\\"flood\\"}" | head -c 200000000; sleep 300')
began = time.monotonic()
code, said = finish(start('--part', 'kernels', seconds=12))
assert code == 1 and time.monotonic() - began < 40 and 'kernels.jsonl' in archived('left_out.txt'), (said, time.monotonic() - began)
(TREE / 'build/gpu-check/results/kernels.jsonl').unlink()

# What makes an archive too large is left out, and named; the rest is there.
much = 'head -c 3000000 /dev/urandom'
carry(bench_gpu_kernels=much, bench_gpu_convolutions='echo "{}"')
program(TOOLS / 'ncu', much)
finish(start('--part', 'kernels', 'counters', 'convolutions', CAWE_GPU_ARCHIVE_MB='1'))
assert archived('convolutions.jsonl') == '{}\n' and 'results/kernels.jsonl' not in members(), members()
assert sorted(archived('left_out.txt').splitlines()) == ['kernels.jsonl: 3000000 bytes', 'ncu.csv: 3000000 bytes']
program(TOOLS / 'ncu', 'for last; do :; done; echo "ncu of $last"')

# No archive can be written: said, and where the results are.
carry(bench_gpu_convolutions='rm -r "$OUT"')
code, said = finish(start('--part', 'convolutions'))
assert code == 1 and 'no archive could be written to %s; the results are in build/gpu-check/results' % OUT in said, said

# One network anew: the others' results stay, and only its own are made again.
carry(bench_gpu_steps='echo "{\\"case\\":\\"of $*\\"}"')
assert finish(start('--part', 'steps'))[0] == 0
results = TREE / 'build/gpu-check/results'
(results / 'steps_critic.jsonl').write_text('kept')
environment = dict(CAWE_GPU_STEPS='generator')
code, said = finish(start('--part', 'steps', **environment))
assert code == 0 and 'steps_generator.jsonl' in said and 'graph' not in said, said
assert archived('steps_critic.jsonl') == 'kept' and 'retinanet' in archived('torch_steps_retinanet.jsonl')

# A program that cannot say how many cases there are has not held them all.
program(TREE / 'build/gpu-check/bin/cawe_device_cases', 'exit 3')
code, said = finish(start('--part', 'cases'))
assert code == 1 and 'cases: 0 of 0 hold' in said, said

# Wrong input: one line, whatever the machine has, and nothing begun.
PART_NAMES = 'facts cases tests steps kernels variants counters profile compiled convolutions program'
for arguments, environment, line in (
        (['--part', 'nonsense'], {}, "gpu-check: there is no part 'nonsense' (expected some of: %s)\n" % PART_NAMES),
        (['--part', 'facts cases'], {}, "gpu-check: there is no part 'facts cases' (expected some of: %s)\n" % PART_NAMES),
        ([], dict(CAWE_GPU_STEPS=' '), 'gpu-check: CAWE_GPU_STEPS names no network (expected some of: resnet50 retinanet faster_rcnn '
         'generator critic)\n'),
        (['--part'], {}, 'gpu-check: no part is named (expected some of: %s)\n' % PART_NAMES),
        (['--plan', 'facts', 'nonsense'], {}, "gpu-check: there is no part 'nonsense' (expected some of: %s)\n" % PART_NAMES),
        ([], dict(CAWE_GPU_ARCHIVE_MB='0'), "gpu-check: CAWE_GPU_ARCHIVE_MB is '0' (expected a number of megabytes)\n"),
        ([], dict(CAWE_GPU_SECONDS='abc'), "gpu-check: CAWE_GPU_SECONDS is 'abc' (expected a number of seconds)\n"),
        ([], dict(CAWE_GPU_SECONDS='-3'), "gpu-check: CAWE_GPU_SECONDS is '-3' (expected a number of seconds)\n"),
        ([], dict(CAWE_GPU_STEPS='resnet50 retinannet'), "gpu-check: CAWE_GPU_STEPS names 'retinannet' (expected some of: resnet50 "
         'retinanet faster_rcnn generator critic)\n'),
        ([], dict(OUT='/nowhere'), "gpu-check: OUT is '/nowhere' (expected a folder that can be written)\n"),
        (['--all'], {}, "gpu-check: unknown option '--all' (expected --prepare, --build, --part NAME, --plan or --report)\n")):
    assert finish(start(*arguments, **environment)) == (2, line), (arguments, environment)
    assert list(OUT.iterdir()) == []

# What it would run, without a card. Limits fit the time of one call where each of the five parts that are wanted most takes its
# own, and the page has them.
NETWORKS = ('resnet50', 'retinanet', 'faster_rcnn', 'generator', 'critic')
code, said = finish(start('--plan'))
limits = {part: int(seconds) for part, seconds in re.findall(r'^(\w+): (\d+) s$', said, re.M)}
assert code == 0 and list(limits) == PART_NAMES.split()[:-1], said
assert sum(list(limits.values())[:5]) <= 480, limits
page = (ROOT / 'docs/gpu-results.md').read_text()
assert dict(re.findall(r'^\| `(\w+)` \| (\d+) \|', page, re.M)) == {part: str(limit) for part, limit in limits.items()}, limits
commands = [shlex.split(line[9:]) for line in said.splitlines() if line.startswith('  ')]
peers = [command[command.index('scripts/peer/torch_gpu.py') + 1:] for command in commands if 'scripts/peer/torch_gpu.py' in command]
known = re.search(r'^STEPS = \{(.*?)\}', (ROOT / 'scripts/peer/torch_gpu_networks.py').read_text(), re.M | re.S).group(1)
for what in ('steps', 'warm', 'compiled'):
    assert sorted(peer[1] for peer in peers if peer[0] == what) == sorted(NETWORKS), (what, peers)
assert sorted(NETWORKS) == sorted(re.findall(r"'(\w+)':", known)), known
wanted = [re.search(r'--gtest_filter=\*(.*)', word).group(1) for command in commands for word in command if 'gtest_filter' in word]
assert wanted and all('%s)' % name in (ROOT / 'tests/cuda/training_step_detectors_test.cpp').read_text() for name in wanted), wanted
asked, variants = [], []
for command in commands:
    at = [i for i, word in enumerate(command) if word.endswith('/bench_gpu_steps')]
    if at:
        rest = [word for word in command[at[0] + 1:] if word not in ('--once', '--from', '0')]
        asked.append((command[0] == 'CAWE_TF32=1', ' '.join(rest)))
        if command[0].startswith('CAWE_'):
            variants.append(rest[0].split())
for net in NETWORKS:  # each in all its ways
    assert {tf32 for tf32, name in asked if name.split()[0] == net} == {False, True}, asked
    assert [name for _, name in asked if name.startswith(net + ' training') and name.endswith('bf16 plain')], asked
if len(sys.argv) > 1:
    for tf32, name in asked:
        listed = subprocess.run([sys.argv[1], '--list'], env=dict(os.environ, CAWE_TF32=str(int(tf32))), stdout=subprocess.PIPE, text=True,
                                check=True).stdout.splitlines()
        assert any(name in line for line in listed), '%r is part of no case of bench_gpu_steps: %s' % (name, listed)
    for net, _, batch, _ in variants:  # at the batch that is wanted most
        assert next(line.split()[2] for line in listed if line.startswith(net + ' ')) == batch, (net, batch, listed)

# What programs want of glibc and of GCC's runtime, as objdump lists it.
def versions(*wanted):
    listed = '\n'.join('    0x0d696914 0x00 05 %s' % name for name in wanted)
    program(TOOLS / 'objdump', 'cat <<"E"\nDynamic Section:\n  NEEDED  libc.so.6\n\nVersion References:\n  required from libc.so.6:\n'
            '%s\nE' % listed)
    done = subprocess.run([sys.executable, ROOT / 'scripts/gpu_check/versions.py', 'bin/some'], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, env=dict(os.environ, PATH='%s:%s' % (TOOLS, os.environ['PATH'])))
    return done.returncode, done.stdout


assert versions('GLIBC_2.9', 'GLIBC_2.35', 'GLIBCXX_3.4.30', 'GCC_3.0') == (
    0, 'GCC_3.0 at most (some)\nGLIBC_2.35 at most (some)\nGLIBCXX_3.4.30 at most (some)\n')
for name, most in (('GLIBC_2.36', 'GLIBC_2.35'), ('GLIBC_ABI_DT_RELR', 'GLIBC_2.35'), ('GLIBCXX_3.4.31', 'GLIBCXX_3.4.30'),
                   ('CXXABI_1.3.14', 'CXXABI_1.3.13'), ('GCC_13.0.0', 'GCC_12.0.0')):
    code, said = versions('GLIBC_2.17', name)
    assert code == 1 and said.endswith('\nsome wants %s, more than %s\n' % (name, most)), said
assert versions() == (1, 'none of these wants anything: bin/some\n')

# No card: said, and nothing written.
program(TOOLS / 'nvidia-smi', 'exit 9')
code, said = finish(start())
assert code == 77 and said == 'gpu-check: no NVIDIA GPU here (nvidia-smi finds none); nothing was checked\n', said
assert list(OUT.iterdir()) == []
print('gpu_check: ok')

# SPDX-License-Identifier: Apache-2.0
"""Commands that are killed, or whose system calls fail, at every moment of their writing: what they are started again
with gives the bytes of an undisturbed run, no run is stuck, nothing foreign is touched.

usage: python3 tests/apps/crash.py build/release/cawe [--all] [--kills N] [--only train,study,…] [--seed S]
  without --all a sample of the calls is tried; --kills adds N kills at random moments
"""
import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import time

from common import PROGRAM, ROOT, WORK, cawe

DETECTOR = """task = "retinanet"
[data]
root = "%s/films"
labels_csv = "metadata.csv"
label_columns = ["nodule", "consolidation"]
boxes = "stage_2_train_labels.csv"
images = "images"
split = "patient"
test = 0.3
val = 0.0
[image]
size = 32
[model]
depth = 18
width = 4
channels = 8
head_convs = 1
[train]
steps = 3
batch = 2
checkpoint_every = 1
keep = 2
log_every = 1
"""
STUDY = """task = "study"
retinanet = "detector.toml"
pretrained = false
detectors = ["retinanet"]
rows = ["none", "afda"]
again = false
controls = []
panels = 1
[boot]
draws = 20
"""


class Command:
    """A command, how it is started again after a fault, and the files whose bytes count. Its output is WORK/box/out."""

    def __init__(self, name, args, again=None, files=('**/*',), whole=False):
        self.name, self.args, self.again, self.files, self.whole = name, args, again or [], files, whole


# A program that is built with AddressSanitizer else refuses that another library is loaded before its own.
ASAN = ':'.join(filter(None, [os.environ.get('ASAN_OPTIONS'), 'verify_asan_link_order=0']))


def commands():
    films, run = WORK / 'films/images', WORK / 'trained'
    return [
        Command('phantom', ['phantom', '--out', 'out', '--images', '2', '--size', '32'], whole=True),
        Command('train', ['train', WORK / 'detector.toml', '--out', 'out', '--quiet'], ['--resume'],
                ('checkpoints/*.safetensors', 'log.jsonl', 'metrics.csv', 'results.json', 'detections.csv', 'recipe.toml', 'split.csv')),
        Command('study', ['study', WORK / 'study.toml', '--out', 'out', '--quiet'], ['--resume'],
                ('results.csv', 'results.json', 'rows/*/detections.csv', 'rows/*/checkpoints/*.safetensors')),
        Command('enhance', ['enhance', '--method', 'clahe', '--input', films, '--out', 'out', '--quiet'], ['--overwrite']),
        Command('detect', ['detect', '--weights', run, '--input', films, '--out', 'out/found.csv', '--allow-leak', '--quiet']),
    ]


def run(args, env=None, kill_after=None):
    """Exit status and standard error of a run in WORK/box; a negative status is a signal's number."""
    process = subprocess.Popen([PROGRAM] + [str(a) for a in args] + ['--threads', '1'], cwd=WORK / 'box', stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, env=dict(os.environ, ASAN_OPTIONS=ASAN, **(env or {})))
    if kill_after is not None:
        time.sleep(kill_after)
        process.kill()
    _, errors = process.communicate(timeout=300)
    return process.returncode, errors


def fresh(command):
    """WORK/box with files of somebody else, some of them named as ours are before they are whole."""
    shutil.rmtree(WORK / 'box', ignore_errors=True)
    (WORK / 'box/theirs').mkdir(parents=True)
    if command.name == 'detect':
        (WORK / 'box/out').mkdir()
    for name in ('out.part', 'out.cawe-1-0.part', 'theirs/out.cawe-1-0.part', 'notes.txt'):
        (WORK / 'box' / name).write_text('not ours')


def untouched():
    return all((WORK / 'box' / name).read_text() == 'not ours'
               for name in ('out.part', 'out.cawe-1-0.part', 'theirs/out.cawe-1-0.part', 'notes.txt'))


def outcome(command):
    out = WORK / 'box/out'
    found = {}
    for pattern in command.files:
        for path in out.glob(pattern):
            if path.is_file() and '.cawe-' not in path.name:
                found[str(path.relative_to(out))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def check(command, what, expected, status, errors):
    """The state that a fault left, and what starting the command again makes of it."""
    assert status in (0, 1, -9), '%s, %s: exit %d\n%s' % (command.name, what, status, errors)
    lines = [line for line in errors.splitlines() if not line.startswith('cawe: warning:')]
    assert status != 1 or (len(lines) == 1 and lines[0].startswith('cawe: error: ')), '%s, %s\n%s' % (command.name, what, errors)
    assert untouched(), '%s, %s: a foreign file was touched' % (command.name, what)
    if command.whole and (WORK / 'box/out').exists():
        assert outcome(command) == expected, '%s, %s: its output is there, but not whole' % (command.name, what)
        if status != 0:
            shutil.rmtree(WORK / 'box/out')
    if status == 0:
        assert outcome(command) == expected, '%s, %s: exit 0, but other bytes' % (command.name, what)
        return
    if not (command.whole and (WORK / 'box/out').exists()):
        again, errors = run(command.args + command.again)
        assert again == 0, '%s, %s: cannot be started again: exit %d\n%s' % (command.name, what, again, errors)
    got = outcome(command)
    assert got == expected, '%s, %s: other bytes in %s' % (command.name, what, sorted(k for k in set(got) | set(expected) if got.get(k) != expected.get(k)))
    assert untouched(), '%s, %s: a foreign file was touched' % (command.name, what)


def faults_of(command, everything, chosen):
    """Every fault at every call of the command, or a sample."""
    log = WORK / 'calls.txt'
    log.unlink(missing_ok=True)
    fresh(command)
    status, errors = run(command.args, {'LD_PRELOAD': FAULTS, 'FAULT_LOG': str(log)})
    assert status == 0, errors
    calls = [line.split(' ')[:2] for line in log.read_text().splitlines()]
    all_of_them = [(int(number), call, do) for number, call in calls
                   for do in ['kill', 'after', 'eio', 'enospc'] + (['half', 'short'] if call == 'write' else [])]
    sample = all_of_them if everything else chosen.sample(all_of_them, min(14, len(all_of_them)))
    return outcome(command), len(calls), sample


def main():
    chosen = random.Random(OPTIONS.seed)
    total = 0
    for command in commands():
        if OPTIONS.only and command.name not in OPTIONS.only.split(','):
            continue
        begin = time.time()
        expected, calls, sample = faults_of(command, OPTIONS.all, chosen)
        assert expected, command.name
        for number, call, do in sample:
            fresh(command)
            what = '%s at call %d of %d (%s)' % (do, number, calls, call)
            status, errors = run(command.args, {'LD_PRELOAD': FAULTS, 'FAULT_AT': str(number), 'FAULT_DO': do})
            assert do not in ('kill', 'after', 'half') or status == -9, '%s, %s: exit %d\n%s' % (command.name, what, status, errors)
            check(command, what, expected, status, errors)
        fresh(command)
        begun = time.time()
        run(command.args)
        lasts = time.time() - begun
        for _ in range(OPTIONS.kills):
            fresh(command)
            moment = chosen.uniform(0, lasts)
            status, errors = run(command.args, kill_after=moment)
            check(command, 'kill -9 after %.3f s' % moment, expected, status, errors)
        total += len(sample) + OPTIONS.kills
        print('ok  %s: %d faults at its %d calls, %d kills at random moments, %.0f s' %
              (command.name, len(sample), calls, OPTIONS.kills, time.time() - begin), flush=True)
    print('%d faults and kills: the same bytes, nothing stuck, nothing foreign touched' % total)


PARSER = argparse.ArgumentParser(description=__doc__.splitlines()[0])
PARSER.add_argument('program')
PARSER.add_argument('--all', action='store_true')
PARSER.add_argument('--kills', type=int, default=3)
PARSER.add_argument('--only', default='')
PARSER.add_argument('--seed', type=int, default=0)
OPTIONS = PARSER.parse_args()
FAULTS = str(WORK / 'faults.so')
if shutil.which('cc') is None:
    print('skipped: no C compiler')
    sys.exit(77)
subprocess.run(['cc', '-O1', '-shared', '-fPIC', '-o', FAULTS, str(ROOT / 'tests/faults/faults.c'), '-ldl'], check=True)
cawe('phantom', '--out', 'films', '--images', 12, '--size', 32)
(WORK / 'detector.toml').write_text(DETECTOR % WORK)
(WORK / 'study.toml').write_text(STUDY)
cawe('train', 'detector.toml', '--out', 'trained', '--quiet')
main()

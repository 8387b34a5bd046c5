# SPDX-License-Identifier: Apache-2.0
"""A signal at any moment of `cawe train`, also the first ones: exit 143 (130 for Ctrl-C), and no run folder or one that
resumes to the bytes of an undisturbed run.

usage: python3 tests/apps/early_signals.py build/release/cawe
"""
import pathlib
import random
import shutil
import signal
import subprocess
import time

from common import PROGRAM, ROOT, WORK, cawe, check, sets

TIMES = 24
STEPS = 6


def train(out, *more):
    settings = ['data.root=data', 'image.size=64', 'model.width=8', 'train.batch=8', 'train.steps=%d' % STEPS,
                'train.checkpoint_every=2']
    recipe = str(ROOT / 'recipes/demo/classifier.toml')
    return [PROGRAM, 'train', recipe, '--out', out, '--quiet', *sets(settings), *more]


def catches(pid, number):
    """Whether the process has a handler for the signal (on Linux); None once it has ended."""
    try:
        status = pathlib.Path('/proc/%d/status' % pid).read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    masks = [line.split()[1] for line in status.splitlines() if line.startswith('SigCgt:')]
    return bool(int(masks[0], 16) >> (number - 1) & 1) if masks else None


def outcome(out):
    return [(WORK / out / name).read_bytes() for name in ('log.jsonl', 'metrics.csv',
                                                          'checkpoints/step-%08d.safetensors' % STEPS)]


def handler_before_writing():
    """The handler is there before anything is written: looked at from the outside until the folder appears."""
    for number in (signal.SIGTERM, signal.SIGINT):
        out = 'watched%d' % number
        with subprocess.Popen(train(out), cwd=WORK, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              text=True) as running:
            while not (WORK / out).exists():
                assert running.poll() is None, running.communicate()
            caught = catches(running.pid, number)
            running.kill()
        assert caught is not False, '%s has no handler when the run folder appears' % number.name
    check(True, 'the handlers are set before the run folder is made')


def two_signals():
    """A second signal of the other kind ends the process at once. Both come while it stands still, so that it has done
    nothing between them; a run that took them for one would save and end with 128 + the number."""
    for signals in ((signal.SIGINT, signal.SIGTERM), (signal.SIGTERM, signal.SIGINT)):
        out = 'twice%d' % signals[0]
        with subprocess.Popen(train(out, '--set', 'train.steps=100000'), cwd=WORK, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
            while not (WORK / out / 'log.jsonl').exists():
                assert running.poll() is None, running.communicate()
            running.send_signal(signal.SIGSTOP)
            for number in signals:
                running.send_signal(number)
            running.send_signal(signal.SIGCONT)
            _, errors = running.communicate(timeout=300)
        assert running.returncode in [-n for n in signals], 'two signals: exit %d, "%s"' % (running.returncode, errors)
        shutil.rmtree(WORK / out)
    check(True, 'a second signal of the other kind ends the process at once')


def phantom_takes_back():
    """A signal right after a folder of films is begun, before the first of them: it takes a while to make room for a
    million."""
    for kind in ('chest', 'scenes'):
        with subprocess.Popen([PROGRAM, 'phantom', '--kind', kind, '--out', 'films', '--images', '1000000', '--size', '16'],
                              cwd=WORK, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
            while not list(WORK.glob('films.cawe-*.part')):
                assert running.poll() is None, running.communicate()
            running.send_signal(signal.SIGINT)
            _, errors = running.communicate(timeout=300)
        assert running.returncode == 130 and len(errors.splitlines()) == 1, (running.returncode, errors)
        check(not list(WORK.glob('films*')), 'phantom --kind %s takes back what it has begun' % kind)


def interrupted(out, number, begun, delay, right):
    """One training that gets the signal some time after it was started, or after its handler was; how it ended."""
    with subprocess.Popen(train(out), cwd=WORK, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        while begun and not catches(running.pid, number):
            assert running.poll() is None, running.communicate()
        time.sleep(delay)
        running.send_signal(number)
        output, errors = running.communicate(timeout=300)
    code, what = running.returncode, '%s %.3f s after %s: exit %s, "%s"' % (number.name, delay, 'main()' if begun
                                                                            else 'exec', running.returncode,
                                                                            errors.strip())
    folder = WORK / out
    if code == -number and not begun:
        # Before main(): nobody can have set a handler, and a shell calls this 143 or 130 as well.
        assert not folder.exists() and not errors, what
    else:
        assert code in (0, 128 + number), what
        lines = [line for line in errors.splitlines() if not line.startswith('cawe: warning')]
        assert len(lines) == (0 if code == 0 else 1), what
    if folder.exists():
        done = subprocess.run(train(out, '--resume'), cwd=WORK, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, '%s, then resumed: exit %d, "%s"' % (what, done.returncode, done.stderr)
        assert outcome(out) == right, '%s, then resumed: other bytes' % what
    assert not list(WORK.glob('*.part')) and not list(folder.rglob('*.part')), what
    shutil.rmtree(folder, ignore_errors=True)
    return 'before main' if code == -number else 'finished' if code == 0 else 'interrupted'


def main():
    cawe('phantom', '--out', 'data', '--images', 32, '--size', 64, '--seed', 2)
    began = time.monotonic()
    subprocess.run(train('right'), cwd=WORK, check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - began
    right = outcome('right')
    handler_before_writing()
    two_signals()
    phantom_takes_back()
    draw, ends = random.Random(5), []
    for i in range(TIMES):
        number = signal.SIGTERM if i % 3 else signal.SIGINT
        # At once; while the program is loaded; as soon as it can be caught; from there on anywhere in a run.
        begun, delay = i >= 6, 0 if i < 3 or 6 <= i < 10 else draw.uniform(0, 0.1 * seconds if i < 6 else seconds)
        ends.append(interrupted('run%d' % i, number, begun, delay, right))
    check(ends.count('interrupted') >= 4, 'of %d signals: %s' % (TIMES,
                                                                 ', '.join('%d %s' % (ends.count(e), e)
                                                                           for e in sorted(set(ends)))))


main()

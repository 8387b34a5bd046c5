# SPDX-License-Identifier: Apache-2.0
"""What the tests of whole commands share: the program (a script's first argument), a folder of their own that is
removed however they end, commands that must end with an exit code.
"""
import atexit
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

# The first word that is no option: tests/apps/crash.py has some.
PROGRAM = os.path.abspath(next((a for a in sys.argv[1:] if not a.startswith('-')), ''))
ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = pathlib.Path(tempfile.mkdtemp(prefix='cawe-test-'))
atexit.register(shutil.rmtree, WORK, ignore_errors=True)


# The largest part of a recipe for a detector that trains in a second.
SMALL_DETECTOR = '''[image]
size = 64
[model]
depth = 18
width = 8
channels = 16
head_convs = 1
'''


def run(*args, **options):
    """A command that has ended, in WORK unless `cwd` says otherwise. Bytes that are not UTF-8 come as surrogates."""
    usual = dict(cwd=WORK, timeout=300, encoding='utf-8', errors='surrogateescape', stdout=subprocess.PIPE,
                 stderr=subprocess.PIPE)
    return subprocess.run([PROGRAM] + [a if isinstance(a, bytes) else str(a) for a in args], **{**usual, **options})


def cawe(*args, code=0, **options):
    """The same, which must end with this exit code."""
    done = run(*args, **options)
    assert done.returncode == code, '%s: exit %d (expected %d)\n%s' % (args, done.returncode, code, done.stderr)
    return done


def tree(folder):
    """Every file below a folder with the hash of its content; not the lock, which says who had it last."""
    return {str(p.relative_to(WORK)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in (WORK / folder).rglob('*') if p.is_file() and p.name != '.cawe-lock'}


def errors_of(stderr):
    """Its error lines: one, for whatever went wrong."""
    return [line for line in stderr.splitlines() if line.startswith('cawe: error: ')]


def check(condition, what):
    assert condition, what
    print('ok ', what, flush=True)


def sets(*items):
    """Options --set for words, and for lists of words."""
    words = [word for item in items for word in ([item] if isinstance(item, str) else item)]
    return [option for word in words for option in ('--set', word)]

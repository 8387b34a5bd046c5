# SPDX-License-Identifier: Apache-2.0
"""What the tests of the benches share."""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = sys.argv[1]


def run(*options, code=0, **environment):
    done = subprocess.run([PROGRAM, *options], capture_output=True, text=True, env=dict(os.environ, **environment))
    assert done.returncode == code, (options, done.returncode, done.stdout[-2000:], done.stderr)
    return done.stdout.splitlines()


def lines_of(*options, **more):
    """(cases, numbers of the parts that began); none may have failed."""
    lines = [json.loads(line) for line in run(*options, **more)]
    failed = [line for line in lines if 'failed' in line]
    assert not failed, failed
    return [line for line in lines if 'begin' not in line], [line['begin'] for line in lines if 'begin' in line]


def same(what, found, expected):
    assert list(found) == list(expected), '%s: %s and not %s' % (what, found, expected)

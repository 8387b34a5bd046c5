# SPDX-License-Identifier: Apache-2.0
"""Films that somebody deletes, cuts off or replaces between the two times that a command reads them: these alone are
lost, and what is written of a film is of the one that was looked up.

usage: python3 tests/apps/changing.py build/release/cawe
"""
import os
import pathlib
import shutil
import signal
import subprocess

from common import PROGRAM, WORK, check
from films import make_run, png, table

# So many that the last ones are read again long after the first time: the loader is at most 32 films ahead.
FILMS = 80
CHANGED = ['f76', 'f77', 'f78', 'f79']


def change():
    os.remove(WORK / 'films/f76.png')
    whole = (WORK / 'films/f77.png').read_bytes()
    (WORK / 'films/f77.png').write_bytes(whole[:len(whole) // 2])
    png('new.png', 1000, 50, 77)
    os.replace(WORK / 'new.png', WORK / 'films/f78.png')
    trained = next(r['image'] for r in table('run/split.csv') if r['fold'] == 'train')
    shutil.copy(WORK / ('data/images/%s.png' % trained), WORK / 'new.png')  # of the same size
    os.replace(WORK / 'new.png', WORK / 'films/f79.png')


def changed_meanwhile(*args):
    """The command with its films changed after its first look at all of them, which a warning ends."""
    shutil.rmtree(WORK / 'films', ignore_errors=True)
    for i in range(FILMS):
        png('films/f%02d.png' % i, 2000 + i)
    done = subprocess.Popen([PROGRAM] + [str(a) for a in args], cwd=WORK, encoding='utf-8', stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)
    line = done.stderr.readline()
    os.kill(done.pid, signal.SIGSTOP)
    assert 'name no person' in line, line + done.communicate()[1]
    change()
    os.kill(done.pid, signal.SIGCONT)
    return done.communicate(timeout=300)[1], done.returncode


def are_rejected(command, error, code, folder):
    """The four, each with its reason, in the list and on stderr."""
    rows = {pathlib.Path(r['file']).stem: r['reason'] for r in table(folder + '/rejected.csv')}
    check(sorted(rows) == CHANGED and code == 3, command + ': exactly the changed films are listed')
    check('No such file' in rows['f76'] and all('changed while the command ran' in rows[i] for i in CHANGED[1:]),
          command + ': with what happened to each')
    check(all('films/%s.png: ' % i in error for i in CHANGED) and error.count('cawe: error: ') == 4,
          command + ': a line each')


def detected():
    (WORK / 'd').mkdir()
    error, code = changed_meanwhile('detect', '--weights', 'run', '--input', 'films', '--out', 'd/found.csv',
                                    '--threshold', 0)
    are_rejected('detect', error, code, 'd')
    films = {f['image']: int(f['boxes']) for f in table('d/found.films.csv')}
    check(list(films) == ['f%02d' % i for i in range(FILMS - 4)], 'every other film was looked at')
    rows = [r['image'] for r in table('d/found.csv')]
    check(rows and all(rows.count(i) == films[i] for i in films) and len(rows) == sum(films.values()),
          'and has its boxes, the changed ones have none')


def enhanced():
    error, code = changed_meanwhile('enhance', '--method', 'cawe', '--classifier', 'cls', '--input', 'films', '--out',
                                    'e', '--threads', 1)
    are_rejected('enhance', error, code, 'e')
    check(sorted(p.stem for p in (WORK / 'e').glob('*.png')) == ['f%02d' % i for i in range(FILMS - 4)],
          'every other film is written')


make_run()
detected()
enhanced()

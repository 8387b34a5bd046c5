# SPDX-License-Identifier: Apache-2.0
"""Whatever bytes a name has, --json prints JSON that another program reads; and what --out names is written as a user
of a shell expects: through a device, a pipe or a link.

usage: python3 tests/apps/json_output.py build/release/cawe
"""
import json
import os
import shutil

import common
from common import ROOT, check

WORK = os.fsencode(common.WORK)
NAMES = [b'r"q', b'back\\slash', b'line\nend', b'tab\t', b'not-utf8-\xff\xe4', b'<script>', 'größe'.encode()]


def cawe(*args, code=0, **options):
    """What the command prints on stdout, as bytes."""
    done = common.cawe(*args, code=code, encoding=None, errors=None, **options)
    return done.stdout if code == 0 else done.stderr


def parsed(name, *args):
    """The command's JSON, which is UTF-8 throughout; what is no UTF-8 in the name has become U+FFFD."""
    text = cawe(*args, '--quiet', '--json').decode('utf-8')
    found = json.loads(text)
    return found, name.decode('utf-8', errors='replace')


def path(*parts):
    return os.path.join(WORK, *parts)


def names_in_json():
    small = ['--set', 'image.size=32', '--set', 'model.width=4', '--set', 'train.steps=1', '--set', 'train.batch=4']
    for name in NAMES:
        films, run, weights = b'films ' + name, b'run ' + name, b'weights ' + name + b'.safetensors'
        found, text = parsed(films, 'phantom', '--out', films, '--images', 8, '--size', 32, '--format', 'png')
        check(found['out'] == text, 'phantom --out %r' % name)
        found, text = parsed(run, 'train', ROOT / 'recipes/demo/classifier.toml', '--out', run, '--set',
                             'data.root=plain', *small)
        check(found['run'] == text and found['task'] == 'classifier', 'train --out %r' % name)
        with open(path(run, b'environment.json'), 'rb') as f:
            check(text in json.loads(f.read().decode('utf-8'))['command_line'], 'environment.json of %r' % name)
        found, text = parsed(run, 'inspect', run)
        check(found['file'] == text and found['kind'] == 'run', 'inspect %r' % run)
        checkpoint = os.path.join(run, b'checkpoints', sorted(os.listdir(path(run, b'checkpoints')))[0])
        found, text = parsed(checkpoint, 'inspect', checkpoint)
        check(found['file'] == text and found['kind'] == 'checkpoint', 'inspect a checkpoint in %r' % run)
        found, text = parsed(weights, 'convert', checkpoint, weights)
        check(found['out'] == text, 'convert to %r' % weights)
        film = os.path.join(films, b'images', sorted(os.listdir(path(films, b'images')))[0])
        found, text = parsed(film, 'inspect', film)
        check(found['file'] == text and found['kind'] == 'png', 'inspect a film in %r' % films)
        out = b'enhanced ' + name
        found, text = parsed(out, 'enhance', '--method', 'clahe', '--input', film, '--out', out)
        check(found['out'] == text and found['settings']['method'] == 'clahe', 'enhance --out %r' % out)
        found, text = parsed(name, 'doctor', '--goldens', name)
        check(text in found['command_line'], 'doctor with %r in its command line' % name)
        recipe = b'recipe ' + name + b'.toml'
        shutil.copy(ROOT / 'recipes/demo/classifier.toml', path(recipe))
        found, text = parsed(recipe, 'recipe', 'explain', recipe)
        check(found['recipe'] == text, 'recipe explain %r' % recipe)


def targets():
    """convert writes one file: where --out is a device, a pipe or a link."""
    source = os.path.join(b'run r"q', b'checkpoints', sorted(os.listdir(path(b'run r"q', b'checkpoints')))[0])
    cawe('convert', source, 'plain.safetensors')
    with open(path(b'plain.safetensors'), 'rb') as f:
        expected = f.read()
    printed = cawe('convert', source, '/dev/stdout')
    check(printed.startswith(expected) and printed.endswith(b' values\n'), '/dev/stdout into a pipe')
    with open(path(b'redirected'), 'wb') as out:
        cawe('convert', source, '/dev/stdout', stdout=out)
    with open(path(b'redirected'), 'rb') as f:
        check(f.read().startswith(expected), '/dev/stdout into a file: both the weights and the line after them')
    if os.path.exists('/dev/full'):
        error = cawe('convert', source, '/dev/full', code=1)
        check(b'/dev/full: cannot be written (No space left on device)' in error, '/dev/full')
    os.symlink('plain.safetensors', path(b'link'))
    cawe('convert', source, 'link')
    check(os.path.islink(path(b'link')), 'a link stays a link')
    error = cawe('convert', source, 'plain.safetensors/below', code=2)
    check(error.count(b'\n') == 1 and b'there is no folder plain.safetensors' in error, 'a folder that is a file')
    check(not [n for n in os.listdir(WORK) if n.endswith(b'.part')], 'nothing half-written is left')


def resume_takes_no_strangers_folder():
    """--resume with the wrong --out must not remove a user's own .part files."""
    os.mkdir(path(b'downloads'))
    for name in (b'film.part', b'a.cawe-1-2.part'):
        with open(path(b'downloads', name), 'wb') as f:
            f.write(b'x')
    error = cawe('train', ROOT / 'recipes/demo/classifier.toml', '--out', 'downloads', '--resume', '--quiet', '--set',
                 'data.root=plain', code=2)
    check(b'holds other files' in error, 'a folder of other files is refused')
    check(sorted(os.listdir(path(b'downloads'))) == [b'a.cawe-1-2.part', b'film.part'], 'and stays as it is')


cawe('phantom', '--out', 'plain', '--images', 24, '--size', 32, '--format', 'png', '--quiet')
names_in_json()
targets()
resume_takes_no_strangers_folder()
print('json_output: all ok')

# SPDX-License-Identifier: Apache-2.0
"""Paths on the command line that lead to nothing or to something of another kind, and options whose value is empty: wrong
usage, said at once in one line. A pipe is never waited for.

usage: python3 tests/apps/named_files.py build/release/cawe
"""
import os
import shutil

from common import ROOT, WORK, cawe, check, errors_of, run
from films import png, refused

FILM = ['--input', 'films/a.png']
ENHANCE = ['enhance', '--method', 'none', *FILM, '--out', 'e']
CAWE = ['enhance', '--method', 'cawe', *FILM, '--out', 'e']
DETECT = ['detect', *FILM, '--out', 'd.csv', '--weights']
# By the flag that a message names: a command that reads {} there.
READ = [('--input', ['enhance', '--method', 'none', '--out', 'e', '--input', '{}']),
        ('--input', ['detect', '--weights', 'plain', '--out', 'd.csv', '--input', '{}']),
        ('--weights', [*DETECT, '{}']), ('--patients', [*DETECT, 'plain', '--patients', '{}']),
        ('--classifier', [*CAWE, '--classifier', '{}']),
        ('--colorizer', ['enhance', '--method', 'color', *FILM, '--out', 'e', '--colorizer', '{}']),
        ('--patients', [*ENHANCE, '--patients', '{}']), ('FILE', ['inspect', '{}']),
        ('IN', ['convert', '{}', 'o.safetensors']),
        ('--detections', ['evaluate', '--truth', 'gt.csv', '--detections', '{}']),
        ('--truth', ['evaluate', '--detections', 'det.csv', '--truth', '{}']),
        ('--patients', ['evaluate', '--detections', 'det.csv', '--truth', 'gt.csv', '--patients', '{}']),
        ('--films', ['evaluate', '--detections', 'det.csv', '--truth', 'gt.csv', '--films', '{}']),
        ('', ['train', '{}', '--out', 'r']), ('', ['study', '{}', '--out', 'r']), ('', ['recipe', 'explain', '{}'])]
FILES_ALONE = ('--patients', '--films', 'IN', '')


def put(args, path):
    return [path if a == '{}' else a for a in args]


def prepare():
    png('films/a.png', 1)
    (WORK / 'plain').write_text('nothing that is read\n')
    (WORK / 'gt.csv').write_text('patientId,x,y,width,height,Target\na,10,10,20,20,1\n')
    (WORK / 'det.csv').write_text('image,x,y,width,height,score\na,10,10,20,20,0.5\n')
    (WORK / 'folder').mkdir()
    for ending in ('', '.csv', '.json', '.toml', '.png', '.safetensors'):
        os.mkfifo(WORK / ('pipe' + ending))
    cawe('phantom', '--out', 'data', '--images', 8, '--size', 32, '--format', 'png')


def wrong_paths():
    for flag, args in READ:
        what = ' '.join(args[:1]) + ' ' + flag
        missing = 'none.csv' if flag == '--films' else 'none'
        # What these two look at is data.
        missing_is = 3 if args[0] in ('evaluate', 'inspect') else 2
        refused(what + ' leads to nothing', missing_is, [missing + ': no such', flag], *put(args, missing), timeout=60)
        pipe = 'pipe.csv' if flag == '--films' else 'pipe'
        said = 'is no regular file (expected a ' if flag else 'no such recipe'
        refused(what + ' is a pipe', 2, [pipe + ': ' + said, flag], *put(args, pipe), timeout=60)
        device = '/dev/null: is no regular file' if flag else 'no such recipe'
        refused(what + ' is a device', 2, [device, flag], *put(args, '/dev/null'), timeout=60)
        if flag in FILES_ALONE:
            said = 'folder: is a folder (expected a file' if flag else 'folder: no such recipe'
            refused(what + ' is a folder', 2, [said], *put(args, 'folder'), timeout=60)
    check(not [p for p in ('e', 'd.csv', 'r', 'o.safetensors') if (WORK / p).exists()], 'and nothing is written')
    refused("PyTorch's numbers in a pipe", 2, ['pipe: is no regular file', '--goldens'], 'doctor', '--operators',
            '--filter', 'sigmoid', '--goldens', 'pipe', timeout=60)


def pipes_in_data():
    """What a recipe or a table names is opened by the same reader."""
    train = ['train', ROOT / 'recipes/demo/classifier.toml', '--out', 'r', '--quiet', '--set', 'data.root=bad']
    table = (WORK / 'data/metadata.csv').read_text().splitlines()
    for name in ('metadata.csv', 'images/' + table[1].split(',')[0]):
        shutil.copytree(WORK / 'data', WORK / 'bad')
        os.unlink(WORK / 'bad' / name)
        os.mkfifo(WORK / 'bad' / name)
        done = run(*train, timeout=60)
        check(done.returncode in (1, 3) and len(errors_of(done.stderr)) == 1 and 'is no regular file' in done.stderr,
              'a pipe for %s is not waited for' % name)
        shutil.rmtree(WORK / 'bad')
    done = run(*train[:-1], 'init=pipe.safetensors', '--set', 'data.root=data', timeout=60)
    check(done.returncode != 0 and 'is no regular file' in done.stderr, 'nor one that "init" names')


def outputs():
    weights = ROOT / 'tests/goldens/weights/zip.pth'
    for flag, args in (('OUT', ['convert', weights, '{}']), ('--out', ['detect', '--weights', 'plain', *FILM, '--out', '{}']),
                       ('--template', ['kernels', '--template', '{}']),
                       ('--html', ['kernels', '--profile', '--filter', 'relu', '--html', '{}'])):
        if args[0] == 'kernels' and 'no SIMT emulator' in run('kernels').stderr:
            continue
        refused(args[0] + ' into no folder', 2, ['no folder none', 'mkdir -p', flag], *put(args, 'none/o.csv'))
        refused(args[0] + ' below a file', 2, ['no folder plain', flag], *put(args, 'plain/o.csv'))
        (WORK / 'full.csv').mkdir(exist_ok=True)
        refused(args[0] + ' over a folder', 2, ['full.csv: is a folder (expected a file', flag], *put(args, 'full.csv'))
    recipe = ROOT / 'recipes/demo/classifier.toml'
    for args in (ENHANCE[:-1], ['evaluate', '--detections', 'det.csv', '--truth', 'gt.csv', '--out'],
                 ['phantom', '--images', 1, '--out'], ['train', recipe, '--out']):
        refused(args[0] + ' into a folder below a file', 2, ['plain: is a file (expected a folder, or a new name for --out)'], *args,
                'plain/below')


def empty_values():
    for flag, args in READ:
        name = flag if flag.startswith('--') else {'FILE': 'file', 'IN': 'in'}.get(flag, 'recipe')
        refused('%s %s of nothing' % (args[0], name), 2, [name + ': is empty (expected a value'], *put(args, ''))
    more = {'--out': ['evaluate', '--detections', 'det.csv', '--truth', 'gt.csv'], '--part': ['convert', 'a', 'b'],
            '--template': ['kernels'], '--html': ['kernels', '--profile'], '--filter': ['kernels'], '--ladder': ['kernels'],
            '--ablate': ['study', ROOT / 'recipes/demo/study.toml']}
    for flag, args in more.items():
        refused(flag + " ''", 2, [flag + ': is empty (expected a value'], *args, flag, '')
        refused(flag + '=', 2, [flag + ': is empty (expected a value'], *args, flag + '=')
    refused('the value is not the next word', 2, ['--part: is empty'], 'convert', '--part=', 'a', 'b', 'c')
    check('data.root' in cawe('recipe', 'explain', ROOT / 'recipes/demo/classifier.toml', '--set', 'data.root=').stdout,
          '--set KEY= is a value of its own')


prepare()
wrong_paths()
pipes_in_data()
outputs()
empty_values()

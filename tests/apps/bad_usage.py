# SPDX-License-Identifier: Apache-2.0
"""Wrong usage and bad files: one line on stderr, the right exit code, the words that help, nothing half-written.

usage: python3 tests/apps/bad_usage.py build/release/cawe
"""
import json
import os
import resource
import signal
import shutil
import struct
import subprocess
import sys

from common import PROGRAM, ROOT, WORK, cawe, errors_of, run

failures = []
count = 0


def expect(what, args, code, *words, absent=(), **options):
    """The command fails with `code` and one error line that has all of `words`; `absent` files do not exist."""
    global count
    count += 1
    done = run(*args, **options)
    errors = errors_of(done.stderr)
    problems = []
    if done.returncode != code:
        problems.append('exit code %d (expected %d)' % (done.returncode, code))
    if len(errors) != 1:
        problems.append('%d error lines' % len(errors))
    problems += ['"%s" is not in the message' % w for w in words if w not in done.stderr]
    problems += ['%s was left behind' % f for f in absent if (WORK / f).exists()]
    problems += ['%s was left behind' % p for p in WORK.rglob('*.part')]
    if problems:
        failures.append('%s: %s\n    %s' % (what, '; '.join(problems), done.stderr.strip()))
    else:
        print('ok  %-32s %d  %s' % (what, code, errors[0][:120]))


def recipe(name, text):
    (WORK / name).write_text(text)
    return name


SMALL = ['--quiet', '--set', 'image.size=64', '--set', 'model.width=4', '--set', 'train.steps=2', '--set',
         'train.batch=4']


def command_line():
    expect('unknown command', ['trian', 'x'], 2, 'train')
    expect('unknown option', ['phantom', '--out', 'x', '--imags', '3'], 2, '--images', absent=['x'])
    for number in ('010', '0x10', '9223372036854775808', '18446744073709551616', '1e3', '1.0', '', '--5', '-1', '-5', '-0'):
        expect('a number that is read otherwise elsewhere: ' + number, ['phantom', '--out', 'x', '--seed=' + number], 2, '--seed', absent=['x'])
        expect('the same for a list', ['kernels', '--profile', '--seeds=' + number], 2, '--seeds')
        expect('the same for a count', ['phantom', '--out', 'x', '--images=' + number], 2, '--images', absent=['x'])
    expect('missing option', ['phantom'], 2, '--out')
    expect('value out of range', ['phantom', '--out', 'x', '--size', '3'], 2, '--size', absent=['x'])
    expect('device that is not there', ['doctor', '--device', 'cuda'], 1, 'cuda')
    for device in ('cuda:', 'cuda:x', 'cuda:-1', 'cuda:01', 'cuda:1000', 'cuda1', 'gpu'):
        expect('no device: ' + device, ['doctor', '--device=' + device], 2, "'%s'" % device, 'cuda:N')
    expect('GPU that is not there', ['doctor', '--device', 'cuda:7'], 1, '--device cuda:7: ')
    if 'built without CUDA' not in run('doctor', '--device', 'cuda').stderr:
        nobody = dict(env=dict(os.environ, CUDA_VISIBLE_DEVICES=''))
        for device in ('cuda', 'cuda:0'):
            expect('no GPU is allowed: ' + device, ['doctor', '--device', device], 2,
                   'CUDA_VISIBLE_DEVICES is set and empty', **nobody)
    expect('map method without classifier', ['enhance', '--method', 'cawe', '--input', 'data/images', '--out', 'e'], 2,
           '--classifier', absent=['e'])
    expect('output of unknown kind', ['detect', '--weights', 'cls', '--input', 'data/images', '--out', 'd.txt'], 2,
           '.csv or .json', absent=['d.txt'])
    expect('output in no folder', ['detect', '--weights', 'cls', '--input', 'data/images', '--out', 'none/d.csv'], 2,
           'no folder none', 'mkdir -p', absent=['none'])
    expect('output named as the rejects', ['detect', '--weights', 'cls', '--input', 'data/images', '--out',
                                           'rejected.csv'], 2, 'rejected.csv', absent=['rejected.csv'])
    with open('/dev/full', 'w') as full:
        done = subprocess.run([PROGRAM, 'recipe', 'keys', '--json'], stdout=full, stderr=subprocess.PIPE, text=True)
    if done.returncode != 1 or done.stderr != 'cawe: error: standard output: cannot be written\n':
        failures.append('output to a full device: %d %s' % (done.returncode, done.stderr))
    expect('no operator of this name', ['doctor', '--operators', '--filter', 'sofmax'], 2, 'sofmax')
    expect('threshold that is no number', ['detect', '--weights', 'cls', '--input', 'data/images', '--out', 'd.csv',
                                           '--threshold', 'nan'], 2, 'no number', absent=['d.csv'])
    expect('name of a folder too long', ['phantom', '--out', 'x' * 300], 2, 'x' * 300, 'too long', '300 bytes', '255')
    expect('folder that is there', ['phantom', '--out', 'data'], 2, 'data', 'empty folder')


def out_folders():
    """What cannot be a folder is said before anything is read: the other names do not exist."""
    (WORK / 'a file').write_text('mine')
    os.symlink('nowhere', WORK / 'dead')
    for command in (['train', 'none.toml'], ['study', 'none.toml'], ['phantom'],
                    ['enhance', '--method', 'none', '--input', 'none'],
                    ['evaluate', '--detections', 'none.csv', '--truth', 'none.csv']):
        for out, wrong in (('/dev/null', '/dev/null: is a file'), ('a file', 'a file: is a file'),
                           ('a file/sub/folder', 'a file: is a file'), ('dead', 'dead: is a link to nothing')):
            expect('%s --out %s' % (command[0], out), command + ['--out', out], 2, wrong, 'expected a folder',
                   absent=['nowhere'])


def options_without_effect():
    """What another option leaves without an effect is refused, naming both; before any file is read."""
    judge = ['evaluate', '--detections', 'none.csv', '--truth', 'none.csv', '--out', 'e', '--rule']
    expect('duplicates of a rule that ignores them', judge + ['deeplesion', '--duplicates', 'fp'], 2, '--duplicates fp',
           '--rule deeplesion', absent=['e'])
    expect('overlap of a rule without one', judge + ['centre', '--iou', '0.9'], 2, '--iou', '--rule centre', absent=['e'])
    expect('overlap of a rule that has its own', judge + ['overlap_or_centre', '--iou', '0.9'], 2, '--iou',
           '--rule overlap_or_centre', absent=['e'])
    for used in (['deeplesion', '--duplicates', 'ignore', '--iou', '0.3'], ['centre', '--duplicates', 'fp']):
        expect('used: ' + ' '.join(used), judge + used, 3, 'none.csv: no such file', absent=['e'])
    enhance = ['enhance', '--input', 'data/images', '--out', 'e', '--method']
    for option, value, why in (('--alpha', '0.1', 'has no alpha (expected cawe, cawe-drawn, cawe-lift, centre, color+cawe or uniform)'),
                               ('--classifier', 'cls', 'reads no classifier (expected cawe, cawe-channel, cawe-drawn, cawe-lift, color+cawe or '
                                'uniform)'),
                               ('--colorizer', 'cls', 'does not color (expected color or color+cawe)')):
        for method in ('clahe', 'none'):
            expect(option + ' of ' + method, enhance + [method, option, value], 2, '%s: --method %s %s' % (option, method, why),
                   absent=['e'])
    expect('a hashed person of no PNG', enhance + ['none', '--anon', 'hash'], 2, '--anon hash', '--format png', absent=['e'])
    for key, value, option in (('enhance.method', 'afda', []), ('enhance.classifier', 'cls', []), ('enhance.colorizer', 'cls', []),
                               ('fuse.alpha', '0.2', ['--alpha', '0.3']), ('medga.seed', '3', ['--seed', '4'])):
        name = option[0] if option else key.replace('enhance.', '--')
        expect('a key that an option decides: ' + key, enhance + ['centre', '--set', key + '=' + value, *option], 2,
               '--set: ' + key, name, absent=['e'])
    cawe(*enhance, 'centre', '--set', 'fuse.alpha=0.2', '--quiet')
    by_key = {path.name: path.read_bytes() for path in (WORK / 'e').iterdir()}
    cawe(*enhance, 'centre', '--alpha', 0.2, '--overwrite', '--quiet')
    assert by_key == {path.name: path.read_bytes() for path in (WORK / 'e').iterdir()}
    shutil.rmtree(WORK / 'e')


def recipes():
    base = (ROOT / 'recipes/demo/classifier.toml').read_text()
    train = ['train', '--out', 'r', '--set', 'data.root=data'] + SMALL
    expect('missing recipe', train + ['none.toml'], 2, 'none.toml', absent=['r'])
    expect('recipe that is no TOML', train + [recipe('a.toml', 'x = = 3\n')], 2, 'a.toml:1', absent=['r'])
    text = base.replace('warmup = 0.1', 'warmpu = 0.1')
    line = text[:text.index('warmpu')].count('\n') + 1
    expect('unknown key', train + [recipe('b.toml', text)], 2, 'b.toml:%d' % line, 'train.warmpu', 'train.warmup',
           absent=['r'])
    expect('value of another type', train + [recipe('c.toml', base.replace('lr = 2e-3', 'lr = "fast"'))], 2, 'train.lr',
           'a number', absent=['r'])
    expect('key in no section', train + [recipe('b.toml', 'steps = 3\n' + base)], 2, 'b.toml:1', 'train.steps',
           absent=['r'])
    expect('key of another task', train + [recipe('b.toml', base + '[rpn]\nbatch = 3\n')], 2, 'rpn.batch',
           'faster_rcnn', 'train.batch', absent=['r'])
    expect('key of another data format', train + [recipe('b.toml',
                                                         base.replace('root =', 'uncertain = "ones"\nroot ='))], 2,
           'data.uncertain', 'data.format', absent=['r'])
    expect('value out of bounds', train + [recipe('b.toml', base.replace('lr = 2e-3', 'lr = -1'))], 2, 'train.lr',
           '0.0 to', absent=['r'])
    expect('assignment without a value', train + [recipe('d.toml', base), '--set', 'train.lr'], 2, 'key=value',
           absent=['r'])
    expect('taking away what does not exist', train + [recipe('d.toml', base), '--set', 'trian.lr='], 2, 'train.lr',
           absent=['r'])
    for task, low in (('retinanet', 'match.low'), ('faster_rcnn', 'rpn.low')):
        expect('overlaps the wrong way around', ['train', ROOT / 'recipes/demo' / (task + '.toml'), '--out', 'r', '--set',
               'data.root=data', '--set', low + '=0.9'], 2, low + ' is 0.9', 'low', 'high', absent=['r'])
    expect('recipe of a study to train', ['train', ROOT / 'recipes/demo/study.toml', '--out', 'r'], 2, 'cawe study',
           absent=['r'])
    expect('recipe of a classifier to study', ['study', 'd.toml', '--out', 'r'], 2, 'cawe train', absent=['r'])
    study = ['study', ROOT / 'recipes/demo/study.toml', '--out', 'r', '--quiet']
    expect('ablation of an unknown key', study + ['--ablate', 'fuse.alhpa=0.3,0.7'], 2, 'ablate', 'fuse.alpha',
           absent=['r'])
    expect('ablation out of bounds', study + ['--ablate', 'fuse.alpha=0.3,7'], 2, 'fuse.alpha is 7.0', absent=['r'])
    (WORK / 'mine/enhanced').mkdir(parents=True)
    (WORK / 'mine/enhanced/patient.png').write_text('precious')
    expect("a study into another's folder", [*study[:3], 'mine', '--quiet', '--set', 'rows=[none]', '--set',
                                             'detectors=[retinanet]', '--set', 'controls=[]', '--set',
                                             "set=['data.root=\"data\"']", '--set',
                                             "classifier_set=['data.root=\"data\"']"], 2, 'mine: holds other files',
           absent=['mine/rows'])
    if (WORK / 'mine/enhanced/patient.png').read_text() != 'precious':
        failures.append("another's file is gone")
    expect("a study's set", study + ['--set', 'set=["trian.lr=1"]'], 2, 'study.toml: set: trian.lr', 'train.lr',
           absent=['r'])
    expect("a study's films of another source", study + ['--set', 'extra=../real/retinanet_tb.tmol'], 2,
           'retinanet_tb.tmol', absent=['r'])
    expect('setting of no method', ['enhance', '--method', 'clahe', '--input', 'data/images', '--out', 'e', '--set',
                                    'clahe.tile=4'], 2, 'clahe.tiles', absent=['e'])
    expect('setting of training', ['enhance', '--method', 'clahe', '--input', 'data/images', '--out', 'e', '--set',
                                   'train.lr=1'], 2, 'train.lr is a key of', absent=['e'])
    for method in (['centre'], ['cawe-drawn', '--classifier', 'cls']):
        expect('setting of films that are learnt from', ['enhance', '--input', 'data/images', '--out', 'e', '--set',
                                                         'cawe-drawn.low=0.2', '--method', *method], 2,
               '--set: cawe-drawn.low is a key of classifier', absent=['e'])
    for of in ('d.toml', ROOT / 'recipes/demo/retinanet.toml'):
        for method in ('clahe', 'colormap'):
            expect('colour films for ' + method, ['train', of, '--out', 'r', '--set', 'data.root=data', '--set',
                                                  'image.color=true', '--set', 'enhance.method=' + method] + SMALL, 2,
                   '--set: image.color is true', 'enhance.method = "%s"' % method, absent=['r'])
    expect('keys of nothing', ['recipe', 'keys', 'trian'], 2, 'train.?')
    expect('keys of no task', ['recipe', 'keys', '--task', 'retina'], 2, 'retinanet')
    expect('recipe without a verb', ['recipe', 'explian', 'd.toml'], 2, 'explain')
    expect('unknown key explained', ['recipe', 'explain', recipe('b.toml', 'lanse = 8\n')], 2, 'b.toml:1', 'lanes')
    expect('unknown choice', train + [recipe('d.toml', base), '--set', 'train.optimizer=adamv'], 2, 'adamw',
           absent=['r'])
    expect('frozen norms, random weights', train + [recipe('d.toml', base), '--set', 'model.norm=frozen'], 2,
           'model.norm', absent=['r'])
    expect('three ranks', train + ['d.toml', '--ranks', '3'], 2, 'power of two', absent=['r'])
    expect('missing data folder', ['train', 'd.toml', '--out', 'r', '--set', 'data.root=nowhere'], 3, 'nowhere',
           absent=['r'])
    expect('run that is there', ['train', 'd.toml', '--out', 'cls', '--set', 'data.root=data'] + SMALL, 2, '--resume')


def data_files():
    def with_row(old, new, *words):
        folder = WORK / 'bad'
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(WORK / 'data', folder)
        table = folder / old
        lines = table.read_text().splitlines()
        lines[1] = new(lines[1], lines[0])
        table.write_text('\n'.join(lines) + '\n')
        return ['train', 'd.toml', '--out', 'r', '--set', 'data.root=bad'] + SMALL

    first = (WORK / 'data/metadata.csv').read_text().splitlines()[1].split(',')[0]
    name = first.split('.')[0]
    expect('row with too few cells', with_row('metadata.csv', lambda row, head: row.split(',')[0]), 3,
           'metadata.csv: line 2', absent=['r'])
    expect('label that is no number', with_row('metadata.csv', lambda row, head: row.replace(',0,', ',maybe,', 1)), 3,
           'maybe', absent=['r'])
    expect('box outside its image', with_row('stage_2_train_labels.csv', lambda row, head: name + ',60,60,500,20,1'), 3,
           name, absent=['r'])
    args = with_row('metadata.csv', lambda row, head: row)
    os.remove(WORK / 'bad/images' / first)
    expect('missing image', args, 3, first, absent=['r'])
    film = (WORK / 'data/images' / first).read_bytes()
    (WORK / 'cut.dcm').write_bytes(film[:len(film) // 2])
    expect('truncated DICOM', ['inspect', 'cut.dcm'], 3, 'cut.dcm')
    (WORK / 'empty.dcm').write_bytes(b'')
    expect('empty file', ['inspect', 'empty.dcm'], 3, 'empty.dcm')
    expect('file that is not there', ['inspect', 'nothing.png'], 3, 'nothing.png')
    (WORK / 'mixed').mkdir()
    shutil.copy(WORK / 'data/images' / first, WORK / 'mixed/good.dcm')
    shutil.copy(WORK / 'cut.dcm', WORK / 'mixed/bad.dcm')
    expect('one bad film of two', ['enhance', '--method', 'clahe', '--input', 'mixed', '--out', 'en'], 3, 'bad.dcm')
    assert (WORK / 'en/good.png').exists() and 'bad.dcm' in (WORK / 'en/rejected.csv').read_text()
    (WORK / 'det.csv').write_text('image,x,y,width,height,score\n%s,1,2,3,nan,0.5\n' % name)
    expect('detection that is no number', ['evaluate', '--detections', 'det.csv', '--truth',
                                           'data/stage_2_train_labels.csv'], 3, 'det.csv')


def weights():
    def safetensors(values):
        header = json.dumps({'conv1.weight': {'dtype': 'F32', 'shape': [len(values)],
                                              'data_offsets': [0, 4 * len(values)]}}).encode()
        return struct.pack('<Q', len(header)) + header + struct.pack('<%df' % len(values), *values)

    (WORK / 'w.safetensors').write_bytes(safetensors([1.0, 2.0])[:-3])
    expect('weights cut off', ['inspect', 'w.safetensors'], 3, 'w.safetensors')
    checkpoint = WORK / 'cls/checkpoints'
    newest = sorted(checkpoint.glob('step-*'))[-1]
    damaged = bytearray(newest.read_bytes())
    damaged[-5] ^= 16
    (WORK / 'damaged.safetensors').write_bytes(damaged)
    expect('damaged checkpoint', ['detect', '--weights', 'damaged.safetensors', '--input', 'mixed/good.dcm', '--out',
                                  'o.csv'], 3, 'damaged', absent=['o.csv'])
    expect('classifier as detector', ['detect', '--weights', 'cls', '--input', 'mixed/good.dcm', '--out', 'o.csv'], 3,
           'classifier', absent=['o.csv'])
    weights = WORK / 'nan.safetensors'
    raw = newest.read_bytes()
    size = struct.unpack('<Q', raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    keep = {k[6:]: v for k, v in header.items() if k.startswith('model.')}
    body, new = b'', {}
    for key, entry in keep.items():
        begin, end = entry['data_offsets']
        part = raw[8 + size + begin:8 + size + end]
        if key == 'conv1.weight':
            part = struct.pack('<f', float('nan')) + part[4:]
        new[key] = {'dtype': entry['dtype'], 'shape': entry['shape'],
                    'data_offsets': [len(body), len(body) + len(part)]}
        body += part
    text = json.dumps(new).encode()
    weights.write_bytes(struct.pack('<Q', len(text)) + text + body)
    expect('NaN weight', ['train', 'd.toml', '--out', 'r', '--set', 'data.root=data', '--set', 'init=nan.safetensors'] +
           SMALL, 3, 'conv1.weight', absent=['r'])
    hostile = b'cos\nsystem\n(S\'touch hacked\'\ntR.'
    magic = b'\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}X\r\x00\x00\x00little_endian\x88s.'
    (WORK / 'evil.pth').write_bytes(magic + hostile)
    expect('.pth that runs a program', ['convert', 'evil.pth', 'evil.safetensors'], 3, 'os.system',
           absent=['hacked', 'evil.safetensors'])
    detector = ['train', ROOT / 'recipes/demo/retinanet.toml', '--out', 'r', '--set', 'data.root=data', '--set',
                'init=cls', '--set', 'model.channels=16']
    expect('tested on who trained its init', detector + ['--set', 'data.train_folds=["val"]', '--set', 'data.test_folds=["train"]'] +
           SMALL, 3,
           'init (', 'was trained on', absent=['r'])
    patients = run('enhance', '--method', 'cawe', '--classifier', 'cls', '--input', 'data/images', '--out', 'leak')
    assert patients.returncode == 3 and 'trained' in patients.stderr and not (WORK / 'leak').exists(), patients.stderr
    expect('film of a training patient', ['enhance', '--method', 'cawe', '--classifier', 'cls', '--input',
                                          'data/images', '--out', 'leak'], 3, absent=['leak'])


def closed_descriptors():
    """What is opened gets the lowest free number: with stdout closed, what is printed would go into a decoder's
    channel, and nobody would hear that it did not arrive."""
    enhance = ['enhance', '--method', 'none', '--input', 'data/images', '--format', 'png', '--out']
    cawe(*enhance, 'open')
    right = {path.name: path.read_bytes() for path in (WORK / 'open').iterdir()}
    for closed in ((0,), (1,), (2,), (0, 1, 2)):
        done = run(*enhance, 'closed', preexec_fn=lambda: [os.close(descriptor) for descriptor in closed])
        found = {path.name: path.read_bytes() for path in (WORK / 'closed').iterdir()}
        if done.returncode != (1 if 1 in closed else 0) or found != right:
            failures.append('descriptors %s closed: exit %d' % (closed, done.returncode))
        shutil.rmtree(WORK / 'closed')


def disk():
    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it, and so would what it starts

    expect('full disk', ['train', 'd.toml', '--out', 'full', '--set', 'data.root=data'] + SMALL, 1, 'full/',
           preexec_fn=little_room)
    assert not list((WORK / 'full/checkpoints').glob('*')), 'half a checkpoint is left'
    expect('folder that cannot be made', ['train', 'd.toml', '--out', '/proc/cawe', '--set', 'data.root=data'] + SMALL,
           1, '/proc/cawe')


cawe('phantom', '--out', 'data', '--images', 24, '--size', 64, '--seed', 5)
cawe('train', ROOT / 'recipes/demo/classifier.toml', '--out', 'cls', '--set', 'data.root=data', *SMALL)
command_line()
out_folders()
options_without_effect()
recipes()
data_files()
weights()
closed_descriptors()
disk()
for failure in failures:
    print('FAILED', failure)
print('%d kinds of wrong usage, %d failed' % (count, len(failures)))
sys.exit(1 if failures else 0)

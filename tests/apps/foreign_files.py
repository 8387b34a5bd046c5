# SPDX-License-Identifier: Apache-2.0
"""Weights and checkpoints of strangers: what is in a .pth beside its weights, names of other programs, and forged checkpoints whose recipe says
more than the file holds. The last are refused in one line, before they take memory.

usage: python3 tests/apps/foreign_files.py build/release/cawe
"""
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess

from common import PROGRAM, ROOT, WORK, check, errors_of, sets

WEIGHTS = ROOT / 'tests/goldens/weights'
SMALL = ['image.size=64', 'model.width=8', 'train.batch=4', 'train.steps=1', 'data.test=0', 'data.val=0']
LITTLE = 450  # MiB that a refusal may take: the program alone, with its libraries, takes about 150


def run(args, code):
    """Output and errors of a command that must end with `code`, and the most memory that it took in MiB."""
    with open(WORK / 'stdout', 'w+') as out, open(WORK / 'stderr', 'w+') as err:
        child = subprocess.Popen([PROGRAM] + [str(a) for a in args], cwd=WORK, stdout=out, stderr=err)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said, errors = out.read(), err.read()
    assert child.returncode == code, '%s: exit %d\n%s' % (args, child.returncode, errors)
    return said, errors, used.ru_maxrss / 1024


def cawe(*args, code=0):
    said, errors, _ = run(args, code)
    return said + errors


def refused(what, args, *words):
    _, errors, memory = run(args, 3)
    lines = errors_of(errors)
    assert len(lines) == 1 and len(lines[0]) < 2200, (what, errors[:3000])
    for word in words:
        assert word in lines[0], '%s: "%s" is not in: %s' % (what, word, lines[0])
    assert memory < LITTLE, '%s took %d MiB' % (what, memory)
    print('ok  %-52s %4d MiB  %s' % (what, memory, lines[0][:90]), flush=True)


# --- safetensors ---

def read_safetensors(path):
    data = path.read_bytes()
    size, = struct.unpack_from('<Q', data)
    return json.loads(data[8:8 + size]), data[8 + size:]


def written(header, values):
    text = json.dumps(header, separators=(',', ':'), ensure_ascii=False)
    text = re.sub(r'\\(.)', lambda m: {'n': '\\u000a', 't': '\\u0009'}.get(m[1], m[0]), text).encode()  # the program's way to write these
    text += b' ' * (-len(text) % 8)
    return struct.pack('<Q', len(text)) + text + values


def forged(source, name, recipe):
    """A checkpoint with another recipe and the digest that belongs to it."""
    header, values = read_safetensors(source)
    header['__metadata__'].update(recipe=recipe(header['__metadata__']['recipe']), digest='0' * 64)
    header['__metadata__']['digest'] = hashlib.sha256(written(header, values)).hexdigest()
    (WORK / name).write_bytes(written(header, values))
    return WORK / name


def checkpoint(run_name):
    return sorted((WORK / run_name / 'checkpoints').glob('step-*'))[-1]


def saying(key, value):
    def changed(recipe):
        assert '\n%s = ' % key in recipe, key
        return '\n'.join('%s = %s' % (key, value) if line.startswith(key + ' = ') else line for line in recipe.split('\n'))
    return changed


# --- What is tried ---

def prepare():
    cawe('phantom', '--out', 'data', '--images', 8, '--size', 64, '--seed', 2)
    cawe('phantom', '--kind', 'scenes', '--out', 'scenes', '--images', 8, '--size', 64, '--seed', 3)
    demo = ROOT / 'recipes/demo'
    data = ['data.root="data"']
    cawe('train', demo / 'classifier.toml', '--out', 'cls', '--quiet', *sets(SMALL + data))
    for name in ('retinanet', 'faster_rcnn'):
        cawe('train', demo / (name + '.toml'), '--out', name, '--quiet', *sets(SMALL + data + ['model.channels=16']))
    cawe('train', demo / 'colorizer.toml', '--out', 'col', '--quiet',
         *sets(['data.root="scenes"', 'data.test=0.25', 'model.width=8', 'init="random"', 'gan.phi="none"', 'gan.critic_width=8'] +
               ['phase.%s.%s' % (p, s) for p in ('frozen', 'all', 'critic', 'gan') for s in ('steps=1', 'size=64', 'batch=2')]))
    film = sorted((WORK / 'data/images').iterdir())[0]
    shutil.copy(film, WORK / 'film.dcm')


def forged_checkpoints():
    plain = forged(checkpoint('cls'), 'same.safetensors', lambda recipe: recipe)
    assert plain.read_bytes() == checkpoint('cls').read_bytes(), 'this script does not write what the program writes'
    larger = 'the network that its recipe describes is larger than the'
    detect = lambda file: ['detect', '--weights', file, '--input', 'film.dcm', '--out', 'o.csv', '--quiet']
    by_classifier = lambda file: ['enhance', '--method', 'cawe', '--classifier', file, '--input', 'film.dcm', '--out', 'o', '--quiet']
    by_colorizer = lambda file: ['enhance', '--method', 'color', '--colorizer', file, '--input', 'film.dcm', '--out', 'o', '--quiet']
    refused('detector that claims a chain which it has not', detect(forged(checkpoint('retinanet'), 'f.safetensors', saying('method', '"cawe"'))),
            'f.safetensors (its recipe): enhance.method = "cawe" needs')
    many = '[%s]' % ', '.join('1.%d' % i for i in range(32))
    words = '[%s]' % ', '.join('"c%d"' % i for i in range(50000))
    for task in ('retinanet', 'faster_rcnn'):
        for key, value in [('width', 1024), ('channels', 4096), ('anchor_ratios', many), ('classes', words)]:
            if task == 'faster_rcnn' and key == 'anchor_ratios':
                key, value = 'hidden', 1000000
            file = forged(checkpoint(task), 'f.safetensors', saying(key, value))
            fits = key == 'anchor_ratios'  # few enough for the file: then the shapes are compared
            refused('%s that claims %s' % (task, key), detect(file), 'f.safetensors', 'the weights do not fit' if fits else 'expected 1 of them' if key == 'classes' else larger)
    refused('classifier that claims width', by_classifier(forged(checkpoint('cls'), 'f.safetensors', saying('width', 1024))), 'f.safetensors', larger)
    refused('classifier that claims labels', by_classifier(forged(checkpoint('cls'), 'f.safetensors', saying('labels', words))), 'f.safetensors', larger)
    refused('classifier that claims depth', by_classifier(forged(checkpoint('cls'), 'f.safetensors', saying('depth', 50))), 'f.safetensors')
    refused('colorizer that claims width', by_colorizer(forged(checkpoint('col'), 'f.safetensors', saying('width', 1024))), 'f.safetensors', larger)
    refused('a width beyond the bounds', detect(forged(checkpoint('retinanet'), 'f.safetensors', saying('width', 1 << 40))), 'model.width', '1024')
    for what, text in [('dots', '"!"' + '."!"' * 25000 + ' = 1\n'), ('lists', 'a = ' + '[' * 100000), ('size', '# ' + 'x' * 2000000)]:
        deep = lambda recipe: text
        said = 'nested deeper' if what != 'size' else 'expected a recipe of at most'
        refused('a recipe of %s: detect' % what, detect(forged(checkpoint('retinanet'), 'f.safetensors', deep)), said)
        refused('a recipe of %s: enhance' % what, by_classifier(forged(checkpoint('cls'), 'f.safetensors', deep)), said)
        refused('a recipe of %s: init' % what, ['train', ROOT / 'recipes/demo/classifier.toml', '--out', 'i', '--quiet'] +
                sets(SMALL + ['data.root="data"', 'init="f.safetensors"']), said)
        run(['inspect', 'f.safetensors'], 0)
    (WORK / 'run/checkpoints').mkdir(parents=True)
    forged(checkpoint('cls'), 'run/checkpoints/best.safetensors', saying('width', 1024))
    shutil.copy(WORK / 'cls/recipe.toml', WORK / 'run/recipe.toml')
    text = (ROOT / 'recipes/demo/study.toml').read_text()
    for path in (ROOT / 'recipes/demo').glob('*.toml'):
        text = text.replace('"%s"' % path.name, '"%s"' % path)
    (WORK / 'study.toml').write_text(text)
    refused('a study that names it', ['study', 'study.toml', '--out', 'study', '--quiet'] +
            sets(['classifier="run"', 'rows=["none", "cawe"]', 'controls=[]', 'detectors=["retinanet"]',
                  'set=[%s]' % ', '.join("'%s'" % s for s in SMALL + ['data.root="data"', 'model.channels=16', 'data.test=0.25', 'allow_leak=true'] if s != 'data.test=0')]), larger)


def beside_the_weights():
    said = cawe('convert', WEIGHTS / 'reference.pth', 'm.safetensors')
    for word in ('weights of "model", beside "model_ema"', 'args (argparse.Namespace)', 'optimizer (dictionary)', 'best (numpy._core.multiarray.scalar)'):
        assert word in said, said
    said = cawe('inspect', WEIGHTS / 'reference.pth')
    assert 'weights of "model"' in said and 'args (argparse.Namespace)' in said and '0.weight  f32' in said, said
    info = json.loads(cawe('convert', WEIGHTS / 'reference.pth', 'e.safetensors', '--part', 'model_ema', '--map', 'torchvision', '--json'))
    assert info['part'] == 'model_ema' and info['parts'] == ['model', 'model_ema'] and len(info['skipped']) == 11, info
    names = [sorted(k for k in read_safetensors(WORK / f)[0] if k != '__metadata__') for f in ('m.safetensors', 'e.safetensors')]
    check(names[0] == names[1], 'convert and inspect list what stands beside the weights; another part can be taken')
    assert 'expected model, model_ema' in cawe('convert', WEIGHTS / 'reference.pth', 'x.safetensors', '--part', 'optimizer', code=2)
    assert 'posix.system' in cawe('convert', WEIGHTS / 'bad_hostile.pth', 'x.safetensors', code=3)
    check(not (WORK / 'x.safetensors').exists() and not (WORK / 'cawe_hostile_pickle_was_here').exists(), 'nothing is executed')


def no_clean_weights():
    """What convert makes bears no digest and no doubt: it refuses or says what is not as it was."""
    header, values = read_safetensors(checkpoint('cls'))
    (WORK / 'changed.safetensors').write_bytes(written(header, values[:-1] + bytes([values[-1] ^ 1])))
    for args in (['convert', 'changed.safetensors', 'x.safetensors'], ['inspect', 'changed.safetensors']):
        refused(args[0] + ' of a checkpoint with a changed bit', args, 'changed.safetensors: damaged (its digest does not fit its content)')
    cawe('convert', checkpoint('cls'), 'whole.safetensors')
    refused('an entry without a name', ['convert', no_name(), 'x.safetensors'], 'no_name.pth: "" cannot name a tensor of safetensors')
    check(not (WORK / 'x.safetensors').exists(), 'and nothing is written')
    for name in ('zip.pth', 'legacy.pth', 'torch.safetensors'):
        said, errors, _ = run(['convert', WEIGHTS / name, 'wide.safetensors', '--json'], 0)
        words = name + ': 2 tensors of int8/int16 are written as int32\n'
        assert errors.startswith('cawe: warning: ') and errors.endswith(words) and errors.count('\n') == 1, errors
        said = cawe('inspect', WEIGHTS / name)
        assert 'x.int16  i32 [1, 3] (stored as int16, widened)' in said and said.count('widened') == 2, said
        tensors = json.loads(cawe('inspect', WEIGHTS / name, '--json'))['tensors']
        assert tensors['x.int16'] == {'dtype': 'i32', 'shape': [1, 3], 'stored_dtype': 'int16'}, tensors
        assert tensors['x.int32'] == {'dtype': 'i32', 'shape': [1, 3]}, tensors
    check('widened' not in cawe('inspect', 'wide.safetensors'), 'narrow whole numbers are said to be widened, and once')


def other_files_stay():
    """`cawe convert *.pth` with two models names the second as OUT."""
    a = WEIGHTS / 'zip.pth'
    for name, content in (('b.pth', (WEIGHTS / 'legacy.pth').read_bytes()), ('notes.txt', b'mine'), ('table.csv', b'x,y\n' * 20)):
        (WORK / name).write_bytes(content)
        os.symlink(name, WORK / ('to_' + name))
        for out in (name, 'to_' + name):
            _, errors, _ = run(['convert', a, out], 2)
            assert len(errors_of(errors)) == 1 and out + ': is there and is no safetensors file' in errors, errors
        assert (WORK / name).read_bytes() == content and os.path.islink(WORK / ('to_' + name)), name
    check(True, 'convert replaces no file of another kind')
    cawe('convert', a, 'out.safetensors')
    once = (WORK / 'out.safetensors').read_bytes()
    cawe('convert', WEIGHTS / 'reference.pth', 'out.safetensors')
    (WORK / 'empty').touch()
    for out in ('out.safetensors', 'empty'):
        cawe('convert', a, out)
        check((WORK / out).read_bytes() == once, 'but an older output, and an empty file: ' + out)
    with open(WORK / 'notes.txt', 'ab') as out:
        subprocess.run([PROGRAM, 'convert', a, '/dev/stdout', '--quiet'], stdout=out, stderr=subprocess.DEVNULL, check=True)
    check((WORK / 'notes.txt').read_bytes().startswith(b'mine' + once), 'and /dev/stdout goes on where it stands')


def no_name():
    """zip.pth, of which one key has lost its characters: the pickle names "x.f16" by its length."""
    text = (WEIGHTS / 'legacy.pth').read_bytes()
    key = struct.pack('<cI', b'X', 7) + b'x.int32'
    assert text.count(key) == 1
    (WORK / 'no_name.pth').write_bytes(text.replace(key, struct.pack('<cI', b'X', 0)))
    return 'no_name.pth'


def other_names():
    """A network's weights under the names that other programs give them, as safetensors; after a step at rate 0 the run must hold them."""
    header, values = read_safetensors(checkpoint('cls'))
    model = {name[6:]: entry for name, entry in header.items() if name.startswith('model.')}

    def store(name, rename):
        out, data = {}, b''
        for key, entry in sorted(model.items()):
            begin, end = entry['data_offsets']
            out[rename(key)] = {'dtype': entry['dtype'], 'shape': entry['shape'], 'data_offsets': [len(data), len(data) + end - begin]}
            data += values[begin:end]
        out['__metadata__'] = None
        (WORK / name).write_bytes(written(out, data))

    for prefix in ('', 'module.', 'model.', '_orig_mod.', 'module.model.', 'encoder.', 'student.backbone.'):
        store('w.safetensors', lambda key: prefix + key)
        shutil.rmtree(WORK / 'begun', ignore_errors=True)
        said = cawe('train', ROOT / 'recipes/demo/classifier.toml', '--out', 'begun', '--quiet',
                    *sets(SMALL + ['data.root="data"', 'init="w.safetensors"', 'train.lr=0', 'train.weight_decay=0', 'seed=5']))
        shown = prefix.replace('module.', '')
        assert not shown or ('names without their beginning "%s"' % shown) in said, (prefix, said)
        got, numbers = read_safetensors(checkpoint('begun'))
        for key, entry in model.items():
            if 'running' in key or 'num_batches' in key or key.startswith('fc.'):
                continue
            begin, end = got['model.' + key]['data_offsets']
            assert numbers[begin:end] == values[slice(*entry['data_offsets'])], (prefix, key)
    check(True, 'weights under the names of wrappers, and "__metadata__": null')
    store('two.safetensors', lambda key: 'a.' + key)
    init = lambda *more: ['train', ROOT / 'recipes/demo/classifier.toml', '--out', 'n', '--quiet'] + sets(SMALL + ['data.root="data"', 'init="w.safetensors"'] + list(more))
    store('w.safetensors', lambda key: 'features.denseblock1.' + key if key != 'conv1.weight' else 'features.conv0.weight')
    refused('another family', init(), 'those of a DenseNet (expected a ResNet)')
    store('w.safetensors', lambda key: key)
    refused('another depth', init('model.depth=34'), 'those of a ResNet of depth 18 (expected 34)')
    store('w.safetensors', lambda key: key.replace('bn1.weight', 'bn1.gain') if key == 'bn1.weight' else key)
    refused('one module', init(), 'init_skip = ["bn1"] lets these start anew')
    cawe(*init('init_skip=["bn1"]'))
    check(True, 'and the advice works')


prepare()
forged_checkpoints()
beside_the_weights()
no_clean_weights()
other_files_stay()
other_names()

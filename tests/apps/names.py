# SPDX-License-Identifier: Apache-2.0
"""Films, their names and what is done with them: ids that tell films apart, lists of films that were looked at, films
that trained a model, outputs over inputs, folders of real life, names of any bytes.

usage: python3 tests/apps/names.py build/release/cawe
"""
import csv
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import zlib

from common import PROGRAM, WORK, cawe, check, errors_of, run

RECIPE = '''task = "retinanet"
seed = 0
[data]
root = "data"
labels_csv = "metadata.csv"
label_columns = ["l"]
boxes = "boxes.csv"
split = "patient"
test = 0.25
val = 0.25
[image]
size = 64
[model]
depth = 18
width = 8
channels = 16
head_convs = 1
anchor_base = 12
anchor_whole = false
[train]
steps = 4
batch = 2
lr = 1e-3
'''


def refused(what, code, words, *args, **options):
    """Exactly one error line that has all the words."""
    lines = errors_of(cawe(*args, code=code, **options).stderr)
    assert len(lines) == 1, lines
    for word in words:
        assert word in lines[0], '%s: "%s" is not in: %s' % (what, word, lines[0])
    print('ok ', what)


def png(path, seed=0, width=64, height=64):
    """A gray film of noise."""
    def chunk(kind, body):
        return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))

    noise = random.Random(seed)
    rows = b''.join(b'\0' + bytes(noise.randrange(256) for _ in range(width)) for _ in range(height))
    path = WORK / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)) +
                     chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


def dicom(path, sop_class):
    """A DICOM file of this class with nothing in it but its header."""
    uid = sop_class.encode() + b'\0' * (len(sop_class) % 2)
    meta = struct.pack('<HH2sH', 2, 2, b'UI', len(uid)) + uid
    meta += struct.pack('<HH2sH', 2, 0x10, b'UI', 20) + b'1.2.840.10008.1.2.1\0'
    body = struct.pack('<HH2sH', 8, 0x16, b'UI', len(uid)) + uid
    (WORK / path).write_bytes(b'\0' * 128 + b'DICM' + struct.pack('<HH2sHI', 2, 0, b'UL', 4, len(meta)) + meta + body)


def table(path):
    with open(WORK / path, newline='') as f:
        return list(csv.DictReader(f))


def enhance(*args, **options):
    return cawe('enhance', '--method', 'none', *args, **options)


def detect(films, out, *args, **options):
    return cawe('detect', '--weights', 'run', '--input', films, '--out', out, '--threshold', 0, *args, **options)


def make_run():
    metadata, boxes = 'image,patient,l\n', 'patientId,x,y,width,height,Target\n'
    for i in range(12):
        png('data/images/im%d.png' % i, i)
        metadata += 'im%d.png,person %d,%d\n' % (i, i, i % 2)
        boxes += 'im%d,10,10,20,20,1\n' % i if i % 2 else 'im%d,,,,,0\n' % i
    (WORK / 'data/metadata.csv').write_text(metadata)
    (WORK / 'data/boxes.csv').write_text(boxes)
    (WORK / 'r.toml').write_text(RECIPE)
    cawe('train', 'r.toml', '--out', 'run', '--quiet')
    text = RECIPE[:RECIPE.index('[image]')].replace('retinanet', 'classifier').replace('boxes = "boxes.csv"\n', '')
    (WORK / 'c.toml').write_text(text + '[image]\nsize = 64\n[model]\ndepth = 18\nwidth = 8\noutput_stride = 16\n'
                                 'dilate = false\n'
                                 '[train]\nsteps = 2\nbatch = 4\nlr = 1e-3\n')
    cawe('train', 'c.toml', '--out', 'cls', '--set', 'data.train_folds=["train","val","test"]', '--set',
         'data.val_folds=[]', '--set', 'data.test_folds=[]', '--quiet')


def ids():
    png('same/p1/view1.png', 101)
    png('same/p2/view1.png', 102, 96, 96)
    png('same/p3/view1_2.png', 103)
    png('same/top.png', 104)
    detect('same', 'same.csv')
    films = {f['image']: f for f in table('same.films.csv')}
    check(sorted(films) == ['p1/view1', 'p2/view1', 'p3/view1_2', 'top'], 'ids are paths below the given folder')
    check(films['p2/view1'] == {'image': 'p2/view1', 'patient': '', 'width': '96', 'height': '96',
                                'boxes': films['p2/view1']['boxes']},
          'a film of the list has its size and no person that nobody named')
    rows = table('same.csv')
    assert rows and set(rows[0]) == {'image', 'patient', 'x', 'y', 'width', 'height', 'score', 'label'}
    reach = {i: max(float(r['x']) + float(r['width']) for r in rows if r['image'] == i) for i in films
             if int(films[i]['boxes'])}
    check(all((reach[i] > 64) <= (i == 'p2/view1') for i in reach), 'boxes stay with their film')
    check(all(int(films[i]['boxes']) == sum(r['image'] == i for r in rows) for i in films), 'the list counts the boxes')
    detect('same', 'same.json')
    coco, found = json.loads((WORK / 'same.films.json').read_text()), json.loads((WORK / 'same.json').read_text())
    check({f['id'] for f in coco['images']} == set(films) and isinstance(found, list) and
          {d['image_id'] for d in found} <= set(films) and coco['categories'] == [{'id': 1, 'name': 'lesion'}],
          'the same as COCO')
    # Ids that lead to one film of the truth each, and ids that do not; cells as pandas writes them.
    best = max(rows, key=lambda r: float(r['score']))
    lesion = '{x},{y},{width},{height},1.0\n'.format(**best)
    (WORK / 'gt.csv').write_text('patientId,x,y,width,height,Target\n' +
                                 ''.join(i + ',' + (lesion if i == best['image'] else 'NaN,NaN,NaN,NaN,0.0\n')
                                         for i in films))
    done = json.loads(cawe('evaluate', '--detections', 'same.csv', '--truth', 'gt.csv', '--draws', 5, '--json').stdout)
    check(done['images'] == 4 and done['sens']['1']['value'] == 1, 'detections find their films in the truth')
    (WORK / 'flat.csv').write_text('patientId,x,y,width,height,Target\nview1,' + lesion + 'view1_2,,,,,0\ntop,,,,,0\n')
    refused('two films that would be one of the truth', 3, ["'p2/view1'", "'p1/view1'", "'view1'"], 'evaluate',
            '--detections', 'same.csv', '--truth', 'flat.csv')
    enhance('--input', 'same', '--out', 'same_out', '--format', 'png')
    check(sorted(str(p.relative_to(WORK / 'same_out')) for p in (WORK / 'same_out').rglob('*.png')) ==
          [i + '.png' for i in sorted(films)], 'enhanced films lie in folders as their ids')
    png('pair/a.png', 1)
    png('pair/b.png', 1)
    shutil.copy(WORK / 'pair/a.png', WORK / 'pair/a.jpg')
    refused('two files of one id', 2, ['pair/a.jpg', 'pair/a.png', "'a'", 'Rename'], 'detect', '--weights', 'nowhere',
            '--input', 'pair', '--out', 'pair.csv')
    refused('one name from two folders', 2, ['same/p1/view1.png', 'same/p2/view1.png', 'folder above'], 'detect',
            '--weights', 'nowhere', '--input', 'same/p1', '--input', 'same/p2', '--out', 'pair.csv')
    refused('enhance does the same', 2, ['pair/a.jpg'], 'enhance', '--method', 'none', '--input', 'pair', '--out',
            'pair_out')
    check(not (WORK / 'pair.csv').exists() and not (WORK / 'pair_out').exists(), 'and nothing is written')
    (WORK / 'persons.csv').write_text('image,patient\np1/view1.png,A\np2/view1.png,B\nview1_2,C\ntop,D\nother,E\n')
    detect('same', 'persons_d.csv', '--patients', 'persons.csv')
    check({f['image']: f['patient'] for f in table('persons_d.films.csv')} ==
          {'p1/view1': 'A', 'p2/view1': 'B', 'p3/view1_2': 'C', 'top': 'D'}, '--patients finds films by the same rule')
    (WORK / 'persons.csv').write_text('image,patient\nview1,A\nview1_2,C\ntop,D\n')
    refused('a row that could be two films', 3, ["'view1'", "'p1/view1'", "'p2/view1'"], 'detect', '--weights', 'run',
            '--input', 'same', '--out', 'n.csv', '--patients', 'persons.csv')
    png('uid/1.2.3.99.png', 907)
    (WORK / 'uid/1.2.3.png').write_bytes((WORK / 'uid/1.2.3.99.png').read_bytes())
    detect('uid', 'uid.csv')
    check(sorted(f['image'] for f in table('uid.films.csv')) == ['1.2.3', '1.2.3.99'], 'a number of a UID is no ending')


def looked_at():
    """Detect on a part of the data, evaluate with the truth of all: README's flow."""
    split = {r['image']: r for r in table('run/split.csv')}
    of_run = sorted(i for i in split if split[i]['fold'] == 'test')
    tested = of_run[:3]
    for i in tested:
        (WORK / 'films').mkdir(exist_ok=True)
        shutil.copy(WORK / ('data/images/%s.png' % i), WORK / 'films')
    detect('films', 'd.csv')
    check([f['image'] for f in table('d.films.csv')] == tested, 'every film that was looked at is listed')
    # By hand: one of the three films has a box on its lesion, one has a false positive above it, one has no box.
    truth = 'patientId,x,y,width,height,Target\n' + ''.join('im%d,10,10,20,20,1\n' % i for i in range(12))
    (WORK / 'all.csv').write_text(truth)
    head = 'image,patient,x,y,width,height,score,label\n'
    (WORK / 'h.csv').write_text(head + '%s,,10,10,20,20,0.5,lesion\n%s,,40,40,20,20,0.9,lesion\n' % tuple(tested[:2]))
    (WORK / 'h.films.csv').write_text('image,patient,width,height,boxes\n' +
                                         '%s,,64,64,1\n%s,,64,64,1\n%s,,64,64,0\n' % tuple(tested))
    done = cawe('evaluate', '--detections', 'h.csv', '--truth', 'all.csv', '--draws', 5, '--json')
    result = json.loads(done.stdout)
    check(result['images'] == 3 and result['lesions'] == 3 and result['truth_films_left_out'] == 9 and
          result['films_list'] == 'h.films.csv', 'only films that were looked at count')
    check(result['sens']['0.25']['value'] == 0 and abs(result['sens']['0.5']['value'] - 1 / 3) < 1e-12,
          'one of three lesions at one false positive on three films: Sens@1/4 is 0, Sens@1/2 is 1/3')
    check('3 of 3 films name no person' in done.stderr, 'films without a person are counted')
    text = cawe('evaluate', '--detections', 'h.csv', '--truth', 'all.csv', '--draws', 5).stdout
    check('9 films of the truth are left out' in text, 'what is left out is said')
    os.rename(WORK / 'h.films.csv', WORK / 'list.csv')
    done = cawe('evaluate', '--detections', 'h.csv', '--truth', 'all.csv', '--draws', 5)
    check(done.stdout.startswith('12 images') and 'every film of the truth counts as looked at' in done.stdout,
          'without a list all count, and a line says so')
    done = json.loads(cawe('evaluate', '--detections', 'h.csv', '--truth', 'all.csv', '--draws', 5, '--films',
                           'list.csv', '--json').stdout)
    check(done['images'] == 3, '--films names it')
    (WORK / 'some.csv').write_text('\n'.join(line for line in truth.splitlines()
                                             if not line.startswith(tested[2] + ',')) + '\n')
    refused('a film without truth', 3, ['list.csv', tested[2], 'no truth'], 'evaluate', '--detections', 'h.csv',
            '--truth', 'some.csv', '--films', 'list.csv')
    done = json.loads(cawe('evaluate', '--detections', 'run/detections.csv', '--truth', 'all.csv', '--draws', 5,
                           '--json').stdout)
    check(done['images'] == len(of_run) and done['patients_known'],
          "a run's own detections have their list, with persons")


def leaks():
    split = {r['image']: r for r in table('run/split.csv')}
    trained = sorted(i for i in split if split[i]['fold'] == 'train')[0]
    png('new/x.png', 900)
    png('new/y.png', 901)
    done = detect('new', 'new.csv')
    warnings = [line for line in done.stderr.splitlines() if line.startswith('cawe: warning: ')]
    check(len(warnings) == 1 and '2 of 2 films name no person' in warnings[0] and '--patients' in warnings[0],
          'one warning with the count')
    (WORK / 'new.persons.csv').write_text('image,patient\nx,somebody\ny,else\n')
    check('warning' not in detect('new', 'new.csv', '--patients', 'new.persons.csv').stderr,
          'none where a table names them')
    persons_of_some_films(split)
    png('byname/%s.png' % trained, 902)
    refused("a film that the run's split names", 3, [split[trained]['patient'], 'run/split.csv', '--allow-leak'],
            'detect', '--weights', 'run', '--input', 'byname', '--out', 'n.csv')
    # The manifest of a chain has pixels; a checkpoint alone, without its split, is enough.
    best = sorted((WORK / 'run/checkpoints').glob('*.safetensors'))[0]
    (WORK / 'alone').mkdir()
    shutil.copy(best, WORK / 'alone/w.safetensors')
    facts = json.loads(cawe('inspect', 'alone/w.safetensors', '--json').stdout)
    check(facts['patients'] == sum(r['fold'] == 'train' for r in split.values()), 'inspect counts persons, not lines')
    (WORK / 'renamed').mkdir()
    shutil.copy(WORK / ('data/images/%s.png' % trained), WORK / 'renamed/holiday.png')
    check(facts['films'] == facts['patients'], 'and films')
    refused('a training film under another name', 3, ['holiday', 'pixels', '--allow-leak'],
            'detect', '--weights', 'alone/w.safetensors', '--input', 'renamed', '--out', 'n.csv')
    allowed = cawe('detect', '--weights', 'alone/w.safetensors', '--input', 'renamed', '--out', 'n.csv', '--allow-leak')
    check('pixels' in allowed.stderr and 'a leak was allowed' in allowed.stdout, '--allow-leak says so')
    leaks_are_kept(split, trained)


def persons_of_some_films(split):
    """A table names persons of some films: the others keep what is known of them."""
    (WORK / 'one.persons.csv').write_text('image,patient\ny.png,else\n')
    done = detect('new', 'one.csv', '--patients', 'one.persons.csv')
    check('1 of 2 films names no person (new/x.png)' in done.stderr and
          {f['image']: f['patient'] for f in table('one.films.csv')} == {'x': '', 'y': 'else'},
          'a film without a row stays as it was, and is counted')
    tested = sorted(i for i in split if split[i]['fold'] == 'test')[0]
    (WORK / 'mix').mkdir()
    shutil.copy(WORK / ('data/images/%s.png' % tested), WORK / 'mix')
    png('mix/x.png', 900)
    detect('mix', 'mix.csv', '--patients', 'run/split.csv')
    check({f['image']: f['patient'] for f in table('mix.films.csv')} == {tested: split[tested]['patient'], 'x': ''},
          "a run's split serves for new films")
    for args in (['detect', '--weights', 'run', '--out', 'none.csv'], ['enhance', '--method', 'none', '--out', 'none']):
        refused('a table that names none of them: ' + args[0], 3, ['run/split.csv: names none of the 2 films', "'x'"],
                *args, '--input', 'new', '--patients', 'run/split.csv')
    check(not (WORK / 'none.csv').exists() and not (WORK / 'none').exists(), 'writes nothing')
    (WORK / 'one.persons.csv').write_text('image,patient\nx,somebody\nx,else\n')
    refused('rows that disagree', 3, ["'x' has two patients"], 'detect', '--weights', 'run', '--input', 'new', '--out',
            'none.csv', '--patients', 'one.persons.csv')


def leaks_are_kept(split, trained):
    """What an allowed leak leaves behind: in what detect and enhance write and say, and in evaluate's figures."""
    (WORK / 'partly').mkdir()
    shutil.copy(WORK / ('data/images/%s.png' % trained), WORK / 'partly/holiday.png')
    png('partly/%s.png' % trained, 903)  # by its person alone, whom the run's split names
    png('partly/new.png', 904)
    known = {'holiday': 1, trained: 1, 'new': 0}
    for options in ([], ['--anon', 'hash']):
        done = detect('partly', 'partly.csv', '--allow-leak', '--json', *options)
        check(json.loads(done.stdout)['leak'] == 'allowed', "detect's --json says that a leak was allowed")
        check({f['image']: int(f['leak']) for f in table('partly.films.csv')} == known, 'the list says of which films')
    detect('partly', 'partly.json', '--allow-leak')
    images = json.loads((WORK / 'partly.films.json').read_text())['images']
    check({f['id'] for f in images if f.get('leak') is True} == {'holiday', trained} and
          all('leak' not in f for f in images if f['id'] == 'new'), 'the same as COCO')
    truth = 'patientId,x,y,width,height,Target\n' + ''.join('%s,10,10,20,20,1\n' % i for i in known)
    (WORK / 'partly_gt.csv').write_text(truth)
    for found in ('partly.csv', 'partly.json'):
        judge = ['evaluate', '--detections', found, '--truth', 'partly_gt.csv', '--draws', 5]
        done = cawe(*judge, '--json')
        check(json.loads(done.stdout)['films_that_trained'] == 2 and '2 of 3 films trained the detector' in done.stderr,
              'evaluate counts films that trained the detector: ' + found)
        check('note: 2 of 3 films trained the detector' in cawe(*judge).stdout, 'and says so as text')
    enhancing = ['enhance', '--method', 'cawe', '--classifier', 'cls', '--input', 'partly', '--out', 'partly_out',
                 '--overwrite', '--quiet']
    refused('enhance refuses them', 3, ['was trained on 1 of these patients', 'on the pixels of 1 of these films',
                                        '--allow-leak'], *enhancing)
    done = cawe(*enhancing, '--allow-leak', '--json')
    check(json.loads(done.stdout)['leak'] == 'allowed', "enhance's --json says that a leak was allowed")
    check('a leak was allowed' in cawe(*enhancing, '--allow-leak').stdout, 'and its text')
    # Where nothing leaked the flag alone says nothing.
    done = detect('new', 'new.csv', '--allow-leak', '--json')
    check('leak' not in json.loads(done.stdout) and 'leak' not in table('new.films.csv')[0],
          'no leak, nothing to say')


def splits_beside_weights():
    """A split names persons of films that name none: in a run of ours it must be whole, elsewhere it may be anybody's.
    """
    broken = 'image,patient,fold\nx,somebody\n'
    for foreign in (broken, 'no table at all "', 'name;fold\nx;3\n'):
        (WORK / 'alone/split.csv').write_text(foreign)
        done = cawe('detect', '--weights', 'alone/w.safetensors', '--input', 'new', '--out', 'n.csv')
        lines = [line for line in done.stderr.splitlines() if 'alone/split.csv' in line]
        assert len(lines) == 1 and lines[0].startswith('cawe: warning: ') and 'left out' in lines[0], done.stderr
    check((WORK / 'alone/split.csv').read_text() == foreign, "somebody's split.csv beside weights is a warning")
    refused('and pixels are compared all the same', 3, ['holiday', 'pixels'], 'detect', '--weights',
            'alone/w.safetensors', '--input', 'renamed', '--out', 'n.csv')
    split = WORK / 'run/split.csv'
    whole = split.read_bytes()
    for ours in (broken.encode(), b'', whole.replace(b'image,', b'film,')):
        split.write_bytes(ours)
        refused('a broken split of a run of ours', 3, ['run/split.csv', '--patients', '--allow-leak'],
                'detect', '--weights', 'run', '--input', 'new', '--out', 'broken.csv')
    assert not (WORK / 'broken.csv').exists()
    for folder, weights in (('run', '.'), ('run/checkpoints', sorted((WORK / 'run/checkpoints').glob('step-*'))[-1].name)):  # names without a folder
        refused('the same from inside the run', 3, ['split.csv', '--patients', '--allow-leak'], 'detect', '--weights',
                weights, '--input', WORK / 'new', '--out', WORK / 'broken.csv', cwd=WORK / folder)
    assert not (WORK / 'broken.csv').exists()
    check('run/split.csv' in detect('new', 'n.csv', '--allow-leak').stderr, '--allow-leak goes on and says so')
    check('split.csv' not in detect('new', 'n.csv', '--patients', 'new.persons.csv').stderr,
          'nobody needs it where persons are known')
    split.write_bytes(whole)


def blanks():
    """A film whose name ends with a blank: what one command writes the next one reads."""
    shutil.copytree(WORK / 'data', WORK / 'blank')
    os.rename(WORK / 'blank/images/im3.png', WORK / 'blank/images/im3 .png')
    table_of_films = WORK / 'blank/metadata.csv'
    table_of_films.write_text(table_of_films.read_text().replace('im3.png', 'im3 .png'))
    cawe('train', 'r.toml', '--out', 'blank_run', '--quiet', '--set', 'data.root=blank')
    split = (WORK / 'blank_run/split.csv').read_text()
    check('\nim3 ,person 3,' in split, 'an id has its blank')
    again = ['data.root=blank', 'data.split=file', 'data.split_file=%s/blank_run/split.csv' % WORK, 'data.test=',
             'data.val=']
    cawe('train', 'r.toml', '--out', 'blank_again', '--quiet', *(w for item in again for w in ('--set', item)))
    check((WORK / 'blank_again/split.csv').read_text() == split, "a run's split is read back")
    os.makedirs(WORK / 'blank_films')
    shutil.copy(WORK / 'blank/images/im3 .png', WORK / 'blank_films')
    cawe('detect', '--weights', 'blank_run', '--input', 'blank_films', '--out', 'blank.csv', '--threshold', 0,
         '--allow-leak')
    check([f['image'] for f in table('blank.films.csv')] == ['im3 '], 'in the list of films, too')
    done = json.loads(cawe('evaluate', '--detections', 'blank.csv', '--truth', 'blank/boxes.csv', '--patients',
                           'blank/metadata.csv', '--draws', 5, '--json').stdout)
    check(done['images'] == 1 and done['lesions'] == 1 and done['truth_films_left_out'] == 11,
          'and its truth and person are found')


def leaks_of_a_chain():
    """What enhanced the films of a model shaped its weights: who trained that is refused by who starts from them."""
    cawe('train', 'r.toml', '--out', 'chained', '--set', 'enhance.method=cawe', '--set', 'enhance.classifier=cls',
         '--set', 'allow_leak=true', '--quiet')
    refused('tested on who trained the classifier of its init', 3, ['init (', 'was trained on'], 'train', 'r.toml', '--out',
            'after', '--set', 'init=chained', '--quiet')
    refused('and detect knows the classifier', 3, ['classifier', 'was trained on', 'person'], 'detect', '--weights',
            'chained', '--input', 'films', '--out', 'n.csv')


def outputs_over_inputs():
    before = {}

    def keep(name):
        before[name] = (WORK / name).read_bytes()
        return name

    shutil.copy(WORK / 'new.persons.csv', WORK / 'new.films.csv')
    os.symlink('run/split.csv', WORK / 'link.csv')
    over = ['detect', '--weights', 'run', '--input', 'new', '--out']
    refused('detect over its table', 2, ['is the same file', '--out'], *over, keep('new.persons.csv'), '--patients',
            './new.persons.csv')
    refused('detect with its list over its table', 2, ['new.films.csv'], *over, 'new.csv', '--patients',
            keep('new.films.csv'))
    refused("detect over a run's own file, through a link", 2, ['link.csv', 'run/split.csv'], *over, 'link.csv')
    keep('run/split.csv')
    (WORK / 'ev').mkdir()
    shutil.copy(WORK / 'same.films.json', WORK / 'ev/results.json')
    refused('evaluate over its list', 2, ['results.json'], 'evaluate', '--detections', 'same.csv', '--truth', 'gt.csv',
            '--films', keep('ev/results.json'), '--out', 'ev')
    (WORK / 'ev2').mkdir()
    os.link(WORK / 'gt.csv', WORK / 'ev2/froc.csv')
    refused('evaluate over its truth by a second name', 2, ['froc.csv', 'gt.csv'], 'evaluate', '--detections',
            'same.csv', '--truth', keep('gt.csv'), '--out', 'ev2')
    refused("detect among a run's files", 2, ['folder of a run', '--out'], *over, 'run/other.csv')
    refused("detect over its run's detections", 2, ['is the same file'], *over, keep('run/detections.csv'))
    refused("evaluate among a run's files", 2, ['folder of a run'], 'evaluate', '--detections', 'same.csv', '--truth',
            'gt.csv', '--out', 'run')
    refused("enhance among a run's files", 2, ['folder of a run'], 'enhance', '--method', 'none', '--input',
            'new/x.png', '--out', 'run')
    refused("enhance among a run's checkpoints", 2, ['folder of a run'], 'enhance', '--method', 'none', '--input',
            'new/x.png', '--out', 'run/checkpoints')
    os.symlink('run/new.csv', WORK / 'into.csv')
    refused("detect through a link into a run", 2, ['folder of a run'], *over, 'into.csv')
    weights = sorted((WORK / 'run/checkpoints').glob('*.safetensors'))[0]
    refused('convert over what it reads', 2, ['same file'], 'convert', weights, weights)
    shutil.copy(weights, WORK / 'mine.safetensors')
    refused("convert over a run's checkpoint", 2, ['folder of a run'], 'convert', 'mine.safetensors', weights)
    refused('enhance over a film', 2, ['new/x.png'], 'enhance', '--method', 'none', '--input', 'new/x.png', '--out',
            'new', '--overwrite')
    if run('kernels', '--template', 'k.cuh').returncode == 0:  # a build with the emulator
        refused('kernels over its kernel', 2, ['k.cuh', '--html'], 'kernels', keep('k.cuh'), '--profile', '--html',
                './k.cuh')
    for name, text in before.items():
        assert (WORK / name).read_bytes() == text, name
    print('ok  none of them is touched')


def folders():
    png('real/a.png', 1)
    png('real/sub/b.png', 2)
    for name in ('real/._a.png', 'real/sub/._b.png', 'real/.DS_Store', 'real/__MACOSX/._c.png', 'real/.hidden.png',
                 'real/.cache/d.png', 'real/notes.txt'):
        (WORK / name).parent.mkdir(parents=True, exist_ok=True)
        (WORK / name).write_bytes(b'\0\5\x16\7 no film')
    dicom('real/DICOMDIR', '1.2.840.10008.1.3.10')
    dicom('real/report', '1.2.840.10008.5.1.4.1.1.88.11')
    dicom('real/state.dcm', '1.2.840.10008.5.1.4.1.1.11.1')
    png('elsewhere/e.png', 3)
    os.symlink('../elsewhere', WORK / 'real/linked')
    os.symlink('..', WORK / 'real/sub/up')
    os.symlink('.', WORK / 'real/self')
    os.symlink('loop2', WORK / 'real/loop1')
    os.symlink('loop1', WORK / 'real/loop2')
    done = enhance('--input', 'real', '--out', 'real_out', '--json')
    left = json.loads(done.stdout)['left_out']
    check(sorted(str(p.relative_to(WORK / 'real_out')) for p in (WORK / 'real_out').rglob('*') if p.is_file()) ==
          ['a.png', 'linked/e.png', 'sub/b.png'], 'films of linked folders once, loops end, nothing else is a film')
    check(left == {'DICOM without an image': 2, 'DICOMDIR': 1, 'hidden': 2, 'of macOS': 4, 'of other kinds': 3},
          'what is no film is counted: %s' % left)
    lines = [line for line in done.stderr.splitlines() if 'no film' in line]
    check(len(lines) == 1 and '12 files that are no films left out: 2 DICOM without an image, 1 DICOMDIR' in lines[0],
          'in one line')
    (WORK / 'real/cut.png').write_bytes((WORK / 'real/a.png').read_bytes()[:300])
    os.symlink('nowhere', WORK / 'real/gone.png')
    dicom('real/nopixels.dcm', '1.2.840.10008.5.1.4.1.1.1.1')
    enhance('--input', 'real', '--out', 'real_out', '--overwrite', code=3)
    check({pathlib.Path(r['file']).name for r in table('real_out/rejected.csv')} ==
          {'cut.png', 'gone.png', 'nopixels.dcm'}, 'damaged films are rejected, not left out')
    png('good/a.png', 920)
    enhance('--input', 'good', '--out', 'real_out', '--overwrite')
    check(not (WORK / 'real_out/rejected.csv').exists(),
          'a list of an earlier command does not stay beside what another wrote')
    (WORK / 'list').mkdir()
    detect('real', 'list/d.csv', '--allow-leak', code=3)
    named = {r['file'] for r in table('list/rejected.csv')}
    detect('good', 'list/d.csv')
    check(named == {'real/cut.png', 'real/gone.png', 'real/nopixels.dcm'} and not (WORK / 'list/rejected.csv').exists(),
          'nor of detect')
    stale_lists()
    for name in ('rejected.csv', 'damaged.csv'):
        (WORK / 'list' / name).write_text('a note of mine\n')
        refused('detect over a foreign ' + name, 2, ['list/' + name, 'Move it'], 'detect', '--weights', 'run',
                '--input', 'real', '--out', 'list/d.csv')
        refused('enhance over a foreign ' + name, 2, ['list/' + name, 'Move it'], 'enhance', '--method', 'none',
                '--input', 'real', '--out', 'list')
        check((WORK / 'list' / name).read_text() == 'a note of mine\n', 'which stays')
        (WORK / 'list' / name).unlink()


def stale_lists():
    """The lists are of the command that read films last, also where it could read none."""
    (WORK / 'cuts').mkdir()
    for name in ('cut1.png', 'cut2.png'):
        (WORK / 'cuts' / name).write_bytes((WORK / 'good/a.png').read_bytes()[:60])
    (WORK / 'lost').mkdir()
    os.symlink('nothing.png', WORK / 'lost/gone.png')
    stale = {'rejected.csv': 'file,field,reason\nold.png,file,was bad\n', 'damaged.csv': 'file,damage\nold.png,hole\n'}
    for args, folder in ((['detect', '--weights', 'run', '--out', 'stale/d.csv'], WORK / 'stale'),
                         (['enhance', '--method', 'none', '--out', 'stale'], WORK / 'stale')):
        def leave():
            folder.mkdir(exist_ok=True)
            for name, text in stale.items():
                (folder / name).write_text(text)

        for films, bad in ((['cuts/cut1.png'], ['cuts/cut1.png']), (['cuts'], ['cuts/cut1.png', 'cuts/cut2.png']),
                           (['lost'], ['lost/gone.png'])):
            leave()
            refused('only bad films: %s %s' % (args[0], films[0]), 3, [bad[0]], *args, '--input', *films)
            check([r['file'] for r in table(folder / 'rejected.csv')] == bad and
                  not (folder / 'damaged.csv').exists(), 'they are listed, and nothing of an earlier command')
        leave()
        cawe(*args, '--input', 'good', '--allow-leak')
        check(not any((folder / name).exists() for name in stale), 'nor where all are good')
        leave()
        refused('wrong usage', 2, ['nowhere'], *args, '--input', 'nowhere')
        if args[0] == 'enhance':
            refused('a film that is there already', 2, ['stale/a.png', '--overwrite'], *args, '--input', 'good')
        check(all((folder / name).read_text() == text for name, text in stale.items()), 'leaves them')
        shutil.rmtree(folder)
    refused('a bad film alone', 3, ['cuts/cut1.png'], 'enhance', '--method', 'none', '--input', 'cuts/cut1.png', '--out',
            'stale')
    check([p.name for p in (WORK / 'stale').iterdir()] == ['rejected.csv'], 'is listed where no folder was')


def by_a_user():
    """Options that run a command as somebody whom a closed folder is closed to, and why there are none. Root reads
    everything, so for root they make a command nobody's, by a copy of the program where nobody can go."""
    if os.getuid() != 0:
        return {}, ''

    def become_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    os.chmod(WORK, 0o755)
    shutil.copy(PROGRAM, WORK / 'program')
    options = {'executable': str(WORK / 'program'), 'preexec_fn': become_nobody}
    try:
        done = run('--version', **options)
    except (OSError, subprocess.SubprocessError) as error:
        return {}, 'nobody cannot start the program here (%s)' % error
    return options, '' if done.returncode == 0 else 'the program fails as nobody: ' + done.stderr.strip()


def closed():
    user, why_not = by_a_user()
    if why_not:
        print('skipped: what a closed folder is to other users than root: ' + why_not)
        return
    png('closed/a.png', 921)
    png('closed/secret.png', 922)
    png('closed/shut/b.png', 923)
    (WORK / 'closed_out').mkdir()
    (WORK / 'run/shut').mkdir()
    os.chmod(WORK / 'closed_out', 0o777)
    os.chmod(WORK / 'closed/secret.png', 0)
    for folder in ('closed/shut', 'run/shut'):
        os.chmod(WORK / folder, 0)
    lists = []
    for args in (['enhance', '--method', 'none', '--input', 'closed', '--out', 'closed_out'],
                 ['detect', '--weights', 'run', '--input', 'closed', '--out', 'closed_out/d.csv']):
        done = cawe(*args, code=3, **user)
        lines = errors_of(done.stderr)
        check(len(lines) == 2 and all('Permission denied' in line for line in lines) and
              'closed/shut: this folder cannot be read' in lines[0] and 'closed/secret.png' in lines[1], args[0] +
              ': a folder and a film that cannot be read are named')
        lists.append(table('closed_out/rejected.csv'))
    check('run/shut: this folder cannot be read' in done.stderr, 'a closed folder of what is read is named, too')
    check((WORK / 'closed_out/a.png').exists() and [f['image'] for f in table('closed_out/d.films.csv')] == ['a'],
          'the other film is done')
    check(lists[0] == lists[1], 'and both commands list the same')


def hostile_names():
    evil = '=cmd|calc \x1b[31m\u202e.png'
    png('evil/' + evil, 905)
    done = detect('evil', 'evil.csv')
    check('\x1b' not in done.stderr + done.stdout and '\u202e' not in done.stderr + done.stdout,
          'no escape of a name reaches the terminal')
    raw = (WORK / 'evil.films.csv').read_text()
    check("\n'=cmd" in raw, 'no name is a formula')
    rows = table('evil.csv')
    (WORK / 'evil_gt.csv').write_text('patientId,x,y,width,height,Target\n"%s",1,1,20,20,1\n' % ("'" + evil[:-4]))
    assert rows
    done = json.loads(cawe('evaluate', '--detections', 'evil.csv', '--truth', 'evil_gt.csv', '--draws', 5,
                           '--json').stdout)
    check(done['images'] == 1, 'and it is read back as it was')
    for i, name in enumerate((b'a\xff.png', b'a\xfe.png')):
        png('bytes/plain.png', 910 + i)
        os.rename(WORK / 'bytes/plain.png', os.path.join(os.fsencode(WORK), b'bytes', name))
    refused('ids that JSON cannot tell apart', 2, ['a\\xfe', 'a\\xff', '.csv'], 'detect', '--weights', 'run', '--input',
            'bytes', '--out', 'bytes.json')
    detect('bytes', 'bytes.csv')
    check((WORK / 'bytes.films.csv').read_bytes().count(b'\na') == 2, 'CSV keeps their bytes')
    long = 'n' * 5000
    for what, args in {'input': ['detect', '--weights', 'run', '--input', long, '--out', 'o.csv'],
                       'out': ['detect', '--weights', 'run', '--input', 'new', '--out', long + '.csv'],
                       'weights': ['detect', '--weights', long, '--input', 'new', '--out', 'o.csv'],
                       'folder': ['enhance', '--method', 'none', '--input', 'new', '--out', long],
                       'truth': ['evaluate', '--detections', 'same.csv', '--truth', long + '.csv'],
                       'detections': ['evaluate', '--detections', long + '.csv', '--truth', 'gt.csv'],
                       'weights file': ['convert', long, 'o.safetensors'],
                       'converted': ['convert', sorted((WORK / 'run/checkpoints').glob('*.safetensors'))[0], long],
                       'inspected': ['inspect', long], 'run': ['train', 'r.toml', '--out', long],
                       'recipe': ['train', long + '.toml', '--out', 'r2'],
                       'patients': ['detect', '--weights', 'run', '--input', 'new', '--out', 'o.csv', '--patients',
                                    long]}.items():
        refused('a name of 5,000 characters: ' + what, 2, ['of 500', 'bytes', '255', 'nnnn'], *args)


try:
    make_run()
    ids()
    looked_at()
    leaks()
    splits_beside_weights()
    blanks()
    leaks_of_a_chain()
    outputs_over_inputs()
    folders()
    closed()
    hostile_names()
finally:
    for folder in WORK.rglob('shut'):
        os.chmod(folder, 0o755)

# SPDX-License-Identifier: Apache-2.0
"""Tables as hospitals, challenges and spreadsheets write them, through `cawe train`: the same films and labels in
another form train the same numbers; what is not plain ends in one line with file, row and column. And what
scripts/demo gives to a folder.

usage: python3 tests/apps/tables.py build/release/cawe
"""
import csv
import json
import os
import shutil
import subprocess

from common import ROOT, WORK, cawe

SET = WORK / 'set'
NARROW = ['model.width=4', 'train.steps=2', 'train.batch=4', 'train.log_every=1', 'image.size=64', 'data.root="set"',
          'data.val=0.2', 'data.test=0.2']
LABELS = ['nodule', 'consolidation', 'infiltrate']


def train(recipe, *sets, code=0, extra=()):
    shutil.rmtree(WORK / 'run', ignore_errors=True)
    return cawe('train', ROOT / 'recipes/demo' / (recipe + '.toml'), '--out', 'run', '--quiet', *extra,
                *(w for s in NARROW + list(sets) for w in ('--set', s)), code=code)


def log():
    return [json.loads(line) for line in (WORK / 'run/log.jsonl').read_text().splitlines()]


def result(*sets):
    """What a classifier's run depends on: its films by fold, and its losses."""
    train('classifier', *sets)
    losses = [line['loss'] for line in log() if 'loss' in line]
    assert len(losses) == 2, log()
    return (WORK / 'run/split.csv').read_text(), losses


def labels_of_run():
    line = next(l for l in (WORK / 'run/recipe.toml').read_text().splitlines() if l.startswith('labels ='))
    return json.loads(line.split('=', 1)[1])


def refused(message, *sets, code=3, recipe='classifier'):
    lines = train(recipe, 'data.boxes=""', *sets, code=code).stderr.splitlines()
    assert len(lines) == 1 and all(m in lines[0] for m in message), lines


def write(rows, delimiter=',', end='\n', mark='', first=''):
    (SET / 'metadata.csv').write_bytes((mark + first + ''.join(delimiter.join(row) + end for row in rows)).encode())


def forms(rows):
    """The same table as other programs write it."""
    header, body = rows[0], rows[1:]
    words = lambda yes, no: [header] + [[{'1': yes, '0': no}.get(c, c) if k in (2, 3, 4) else c for k,
                                         c in enumerate(row)] for row in body]
    nih = {'image': 'Image Index', 'patient': 'Patient ID', 'width': 'OriginalImage[Width', 'height': 'Height]'}
    yield 'a spreadsheet of Windows', [], lambda: write(rows, end='\r\n', mark='\ufeff')
    yield 'semicolons and decimal commas', [], lambda: write([header] +
                                                             [[c + ',0' if k in (2, 3, 4) else c for k,
                                                               c in enumerate(row)] for row in body], ';', '\r\n')
    yield 'tabs', [], lambda: write(rows, '\t')
    yield 'sep=', [], lambda: write(rows, ';', first='sep=;\n')
    yield "pandas' row number", [], lambda: write([[''] + header] + [[str(i)] + row for i, row in enumerate(body)])
    yield 'TRUE and FALSE', [], lambda: write(words('TRUE', 'FALSE'))
    yield 'yes and no', [], lambda: write(words('yes', 'No'))
    yield "NIH's header", ['data.image_column="Image Index"', 'data.patient_column="Patient ID"'], \
        lambda: write([[nih.get(c, c) for c in header] + ['']] + [row + [''] for row in body])
    yield 'paths from the folder', [], lambda: write([header] + [['images/' + row[0]] + row[1:] for row in body])
    yield 'paths of Windows', [], lambda: write([header] + [['images\\' + row[0]] + row[1:] for row in body])
    yield 'names without ending', [], lambda: write([header] + [[row[0][:-4]] + row[1:] for row in body])
    yield 'absolute paths inside', [], lambda: write([header] +
                                                     [[str(SET / 'images' / row[0])] + row[1:] for row in body])
    yield 'every label column', ['data.label_columns=["*"]'], lambda: write([header + ['sex', 'age']] +
                                                                            [row + ['01'[i % 2], str(i)] for i,
                                                                             row in enumerate(body)])


def classifiers(rows):
    wanted = result()
    for name, sets, make in forms(rows):
        make()
        found = result(*sets)
        assert found == wanted, (name, found[1], wanted[1])
        assert labels_of_run() == LABELS, (name, labels_of_run())
        print('ok ', name)


def refusals(rows):
    header, body = rows[0], rows[1:]
    (WORK / 'nobody.csv').write_text('image,patient,%s\na.png,,1,0,1\n' % ','.join(LABELS))
    change = lambda row, column, text: [header] + [[text if (i, k) == (row, column) else c for k, c in enumerate(r)]
                                                   for i, r in enumerate(body)]
    cases = [(change(3, 0, '/etc/hostname.png'), ['set/metadata.csv: line 5: image', '/etc/hostname.png',
                                                  'outside the data folder', 'data.allow_outside']),
             (change(3, 0, '../../x.png'), ['set/metadata.csv: line 5: image', '../../x.png', 'outside']),
             (change(3, 0, body[3][0].upper()), ['metadata.csv: line 5', 'there is', body[3][0]]),
             (change(3, 0, 'gone.png'), ['gone.png', 'metadata.csv: line 5', 'does not exist']),
             (change(3, 2, 'maybe'), ['metadata.csv: line 5', 'nodule', "'maybe'"]),
             (change(3, 0, body[4][0]), ['metadata.csv: line 6', 'has a row already', 'line 5']),
             (change(4, 0, '../images/' + body[3][0]), ['metadata.csv: line 6', 'has a row already', 'line 5']),
             (change(3, 1, 'NaN'), ['metadata.csv: line 5', 'patient', "'NaN'", 'names nobody']),
             ([header] + [[r[0], {3: '7', 4: '007'}.get(i, r[1])] + r[2:] for i, r in enumerate(body)],
              ['metadata.csv: line 6', "person '007' is '7'", 'line 5']),
             ([header[:1] + ['a;b'] + header[1:]] + [r[:1] + ['1'] + r[1:] for r in body], None),
             ([['image,patient;nodule', 'consolidation;infiltrate']] + [['a,b;1', '1;1']],
              ['metadata.csv: line 1', 'a comma and a semicolon']),
             ([header[:2] + [''] + header[3:]] + body, ['metadata.csv: line 1', 'column 3', 'without a name']), ]
    for table, message in cases:
        write(table)
        if message is None:  # one delimiter alone cuts the rows as the header: read, with a column called "a;b"
            result()
        else:
            refused(message)
    write(change(3, 2, 'maybe'))
    refused(['metadata.csv: line 5', 'nodule', "'maybe'", 'data.label_columns'], 'data.label_columns=["*"]')
    write(rows)
    refused(['data.test_folds', '"tset"'], 'data.split=k_folds', 'data.folds=2', 'data.train_folds=["0"]',
            'data.val_folds=[]', 'data.test_folds=["tset"]', code=2)
    refused(['data.split_file is missing'], 'data.split=file', code=2)
    refused(['data.label_columns holds "nodule" twice'], 'data.label_columns=nodule,nodule', code=2)
    labels()
    (SET / 'split.csv').write_text('image,fold\n' + ''.join('%s,%s\n' % (r[0], 'train' if i else 'test') for i, r in
                                                           enumerate(body)) + body[1][0][:-4] + ',test\n')
    refused(['split.csv: line 3', 'is in two folds', "'train'", "'test'"], 'data.split=file', 'data.split_file=split.csv')
    print('ok  refusals name file, row and column')


def labels():
    """A recipe's labels are the data's, in their order: a checkpoint would call its outputs by other names."""
    turned, data = '", "'.join(reversed(LABELS)), ', '.join(LABELS)
    for names in (turned, '", "'.join(['Nodule'] + LABELS[1:]), LABELS[0]):
        refused(['--set: labels are ' + names.replace('", "', ', '), data], 'labels=["%s"]' % names, code=2)
    train('classifier', 'labels=["%s"]' % '", "'.join(LABELS))
    assert labels_of_run() == LABELS, labels_of_run()
    shutil.copy(WORK / 'run/recipe.toml', WORK / 'again.toml')
    lines = cawe('train', 'again.toml', '--out', 'again', '--quiet', '--set', 'data.label_columns=["%s"]' % turned,
                 code=2).stderr.splitlines()
    assert len(lines) == 1 and 'labels are ' + data in lines[0] and turned.replace('", "', ', ') in lines[0], lines
    assert not (WORK / 'again').exists()
    cawe('train', 'again.toml', '--out', 'again', '--quiet')
    print('ok  labels are the data\'s')
    for sets, key in ((['init=o/nothere'], 'init'), (['enhance.method=cawe', 'enhance.classifier=o/nothere'],
                                                     'enhance.classifier'), (['data.labels_csv=o/nothere'],
                                                                             'data.labels_csv')):
        refused(['o/nothere: no such file', '--set: ' + key], *sets)
    refused(['a.png: patient: ', 'line 2: is empty'], 'data.labels_csv="../nobody.csv"')
    for sets, words in ((['train.batch=1'], ['train.batch is 1 ', 'image.size']),
                        (['train.batch=3', 'train.micro_batch=2'], ['train.batch is 3, train.micro_batch 2'])):
        refused(words + ['one value a channel'], *sets, 'image.size=32', 'model.output_stride=32', code=2)
        assert not (WORK / 'run').exists()
        train('classifier', *sets, 'image.size=33', 'model.output_stride=32', 'data.boxes=""')
    print('ok  what a recipe names and is not there, batches of one')


def detectors():
    """Lesions under 2 % of the side are trained; the log counts boxes that the edge cut, on any number of ranks."""
    boxes = SET / 'stage_2_train_labels.csv'
    with open(boxes, newline='') as f:
        ids = list(dict.fromkeys(row['patientId'] for row in csv.DictReader(f)))
    # One thin box in the middle of every film, one at the right edge.
    boxes.write_text('patientId,x,y,width,height,Target\n' +
                     ''.join('%s,30,20,1.25,20,1.0\n%s,58,10,6,12,1.0\n' % (i, i) for i in ids))
    sets = ['model.channels=16', 'augment.shift=0.4', 'augment.zoom=0.0', 'augment.flip=0.0', 'train.steps=3']
    lines = {}
    for name, more, extra in (('plain', [], []), ('ranks', [], ['--ranks', '2']),
                              ('all', ['augment.min_visible=1.0'], []), ('still', ['train.augment=false'], [])):
        train('retinanet', *sets, *more, extra=extra)
        lines[name] = [(line['boxes_cut'], line['boxes_dropped']) for line in log() if 'boxes_cut' in line]
        assert len(lines[name]) == 3, log()
    assert lines['plain'] == lines['ranks'], lines
    assert lines['plain'][-1][0] > 0 and lines['plain'] == sorted(lines['plain']), lines
    cut, dropped = lines['all'][-1]  # only whole boxes count
    assert cut == 0 and dropped == sum(lines['plain'][-1]), lines
    assert lines['still'] == [(0, 0)] * 3, lines
    print('ok  boxes that are cut or dropped are counted')


def demo(rows):
    """scripts/demo gives the whole table to the program, which finds the labels."""
    write([rows[0] + ['sex', 'age']] + [r + ['01'[i % 2], '7'] for i, r in enumerate(rows[1:])], end='\r\n',
          mark='\ufeff')
    stub = WORK / 'program'
    stub.write_text('#!/bin/sh\nprintf "%%s\\n" "$@" >> "%s"\nfor a; do last=$a; done\n'
                    'case $1 in study) mkdir -p "%s/study";'
                    'touch "%s/study/report.html" "%s/study/results.csv";; esac\n'
                    % ((WORK / 'arguments',) + (WORK / 'demo',) * 3))
    stub.chmod(0o755)
    environment = {**os.environ, 'CAWE_DEMO_PROGRAM': str(stub), 'CAWE_DEMO_OUT': str(WORK / 'demo')}
    done = subprocess.run([str(ROOT / 'scripts/demo'), 'set'], cwd=WORK, env=environment, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    given = (WORK / 'arguments').read_text().splitlines()
    wanted = "['data.root=\"%s\"', 'data.label_columns=[\"*\"]']" % SET.resolve()
    assert 'set=' + wanted in given and 'classifier_set=' + wanted in given, given
    result('data.label_columns=["*"]')
    assert labels_of_run() == LABELS, labels_of_run()
    done = subprocess.run([str(ROOT / 'scripts/demo'), 'nowhere'], cwd=WORK, env=environment, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 2 and done.stderr.splitlines() == ['demo: nowhere: no such folder'], done.stderr
    print('ok  scripts/demo FOLDER')


cawe('phantom', '--out', 'set', '--format', 'png', '--images', 24, '--size', 64, '--quiet')
with open(SET / 'metadata.csv', newline='') as f:
    table = list(csv.reader(f))
classifiers(table)
write(table)
refusals(table)
detectors()
demo(table)

# SPDX-License-Identifier: Apache-2.0
"""The whole line on small phantoms: films, classifier, enhancement, study, detection, evaluation, resume.

usage: python3 tests/apps/whole_line.py build/release/cawe
"""
import csv
import hashlib
import html
import json
import re
import shlex
import shutil
import signal
import struct
import subprocess
import time

import common
from common import PROGRAM, ROOT, WORK, check


def cawe(*args, code=0, stderr=False):
    done = common.cawe(*args, code=code)
    return done.stderr if stderr else done.stdout


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def tfrecords(data):
    """The records of a TensorBoard file, their checksums checked."""
    def masked(part):
        crc = crc32c(part)
        return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

    records, at = [], 0
    while at < len(data):
        size, check_size = struct.unpack_from('<QI', data, at)
        record = data[at + 12:at + 12 + size]
        check_record, = struct.unpack_from('<I', data, at + 12 + size)
        assert check_size == masked(data[at:at + 8]) and check_record == masked(record)
        records.append(record)
        at += 16 + size
    return records


def table_of(name):
    with open(WORK / name) as f:
        return list(csv.DictReader(f))


def shown_table(page, title):
    """The cells of a table of the report, by its title."""
    found = re.search('<h2>%s</h2>.*?<tbody>(.*?)</tbody>' % re.escape(title), page, re.S)
    assert found, title
    return [[html.unescape(cell) for cell in re.findall(r'<t[hd][^>]*>([^<]*)</t[hd]>', row)]
            for row in re.findall('<tr>(.*?)</tr>', found.group(1), re.S)]


def check_provenance(args, page):
    """The command line that stands in the report and in every run's folder is the one that was given."""
    facts = {html.unescape(n): html.unescape(v) for n, v in re.findall(r'<dt>([a-z_.0-9]+)</dt><dd>([^<]*)</dd>', page)}
    assert shlex.split(facts['command_line']) == [PROGRAM] + [str(a) for a in args] + ['--resume'], facts['command_line']
    assert shlex.split(facts['command_line_that_began_it']) == [PROGRAM] + [str(a) for a in args], 'the command that was stopped'
    runs = [p.parent for p in (WORK / 'study').rglob('environment.json')]
    assert len(runs) >= 4, runs
    for run in runs:
        kept = json.loads((run / 'environment.json').read_text())
        given = shlex.split(kept['command_line'])
        assert given[:len(args) + 1] == [PROGRAM] + [str(a) for a in args] and set(given[len(args) + 1:]) <= {'--resume'}, run
        assert int(kept['threads']) == int(facts['threads']) >= 1, run
        hashes = {k: v for k, v in kept.items() if k.startswith('sha256.')}
        assert {'sha256.data', 'sha256.split'} <= set(hashes) and all(re.fullmatch('[0-9a-f]{64}', v) for v in hashes.values()), run
    of_study = json.loads((WORK / 'study/environment.json').read_text())
    for name, value in of_study.items():
        if name != 'command_line':
            assert facts[name] == value, name
    saved = WORK / 'study/classifier/checkpoints'
    used = saved / 'best.safetensors' if (saved / 'best.safetensors').exists() else max(saved.glob('step*'))
    digest = hashlib.sha256(used.read_bytes()).hexdigest()
    check(facts['sha256.weights_classifier'] == digest,
          'provenance: the command lines, threads and hashes of %d folders and of the report' % len(runs))


def check_fallbacks(page, test):
    """On which films no class is active, by the probabilities beside it; and the words of the report, the viewer and figure 2."""
    films = {}
    for r in table_of('study/map_classes.csv'):
        films.setdefault(r['image'], []).append(r)
    assert sorted(films) == sorted(test)
    boxes = {r['patientId'] for r in table_of('data/stage_2_train_labels.csv') if r['Target'] == '1'}
    counts = {'with a lesion': [0, 0], 'without a lesion': [0, 0], 'all': [0, 0]}
    for image, rows in films.items():
        fallback = rows[0]['map_of'] == 'fallback'
        assert all((float(r['sigma']) < 0.5) == fallback for r in rows) and (len(rows) == 1 or not fallback), rows
        assert (int(rows[0]['lesions']) > 0) == (image in boxes), rows
        for group in ('with a lesion' if image in boxes else 'without a lesion', 'all'):
            counts[group][0] += 1
            counts[group][1] += fallback
    percent = lambda group: '%.0f %%' % (100 * counts[group][1] / counts[group][0])
    assert shown_table(page, 'Maps of films on which no class is active') == [
        [group, str(n), str(fallbacks), percent(group)] for group, (n, fallbacks) in counts.items()], counts
    assert counts['all'][1] > 0, 'no fallback among these films: the check says nothing'
    assert ('No class is active on %s of the %d films with a lesion and on %s of the %d without: there the map is a fallback, of '
            'the likeliest class.' % (percent('with a lesion'), counts['with a lesion'][0], percent('without a lesion'),
                                      counts['without a lesion'][0])) in html.unescape(page)
    words = lambda rows: ('no class is active (fallback: the likeliest, %s %.2f)' % (rows[0]['class'], float(rows[0]['sigma']))
                          if rows[0]['map_of'] == 'fallback' else
                          'active classes: ' + ', '.join('%s %.2f' % (r['class'], float(r['sigma'])) for r in rows))
    titles = re.findall(r'id="film-\d+".*?<span>(.*?)<small>', page)
    panels = [json.loads(text) for text in re.findall(r'id="panel-\d+">(.*?)</script>', page, re.S)]
    assert len(titles) == len(panels) > 0
    for title, panel in zip(titles, panels):
        assert panel['classes'] == words(films[title]), (title, panel['classes'], words(films[title]))
    caption = html.unescape(re.search('<h3>Figure 2.*?<figcaption><p>(.*?)</p>', page, re.S).group(1))
    film = re.match('The class-aware map of (.*?), drawn at random from the (\\d+) test films with a lesion(.*?) \\(boot.seed', caption)
    active = [i for i in films if i in boxes and films[i][0]['map_of'] == 'active']
    assert words(films[film.group(1)]) in caption, caption
    if active:
        assert film.group(1) in active and film.group(2) == str(len(active)) and film.group(3) == ' and an active class', caption
    else:
        assert film.group(1) in boxes and 'on none of them is a class active' in caption, caption
    check(True, 'fallback maps: %s' % counts)


def check_figure_1(page, test):
    """A film at random and the best one, which is found again in the detections."""
    caption = html.unescape(re.search('<h3>Figure 1.*?<figcaption><p>(.*?)</p>', page, re.S).group(1))
    lesions = {}
    for r in table_of('data/stage_2_train_labels.csv'):
        if r['Target'] == '1' and r['patientId'] in test:
            x, y, w, h = (float(r[k]) for k in ('x', 'y', 'width', 'height'))
            lesions.setdefault(r['patientId'], []).append((x, y, x + w, y + h))
    assert 'drawn at random from the %d test films with a lesion (boot.seed 0)' % len(lesions) in caption, caption

    def iou(a, b):
        wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
        part = max(0, wide) * max(0, high)
        return part / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - part)

    surest = {}
    for r in table_of('study/rows/retinanet-cawe-0/detections.csv'):
        x, y, w, h = (float(r[k]) for k in ('x', 'y', 'width', 'height'))
        if r['image'] in lesions and float(r['score']) > surest.get(r['image'], (0,))[0]:
            surest[r['image']] = (float(r['score']), (x, y, x + w, y + h))
    right = {i: s for i, (s, box) in surest.items() if max(iou(box, lesion) for lesion in lesions[i]) >= 0.5}
    shown = list(dict.fromkeys(r['image'] for r in table_of('study/figures/figure1.csv')))
    if right:
        best = max(right, key=right.get)
        assert best == shown[-1] and '(%.2f)' % right[best] in caption, (best, shown, caption)
    else:
        assert len(shown) == 1 and 'on none of them the surest box finds a lesion' in caption, caption
    check(shown[0] in lesions, 'figure 1: a film at random, and %s' % ('the best one' if right else 'none is right'))


def check_films_flow(page, rows):
    """Films, persons and lesions of each fold, counted again from the split, the boxes and the table of persons."""
    counted, boxes = {}, {}
    for r in table_of('data/stage_2_train_labels.csv'):
        boxes[r['patientId']] = boxes.get(r['patientId'], 0) + int(r['Target'])
    about = {re.sub(r'\.\w+$', '', r['image']): r for r in table_of('data/metadata.csv')}
    for r in rows:
        for fold in (r['fold'], 'all'):
            counted.setdefault(fold, []).append(r)
    shown = {r[0]: r for r in shown_table(page, 'Films and persons')}
    assert set(shown) == set(counted), shown
    flow = table_of('study/films_flow.csv')
    for fold, films in counted.items():
        lesions = sum(boxes[r['image']] for r in films)
        sick = sum(boxes[r['image']] > 0 for r in films)
        persons = len({r['patient'] for r in films})
        assert shown[fold][1:8] == [str(v) for v in (len(films), 0, len(films), sick, len(films) - sick, lesions, persons)], shown[fold]
        used = [r for r in flow if (r['stage'], r['fold'], r['attribute']) == ('used', fold, '')]
        assert [(r['films'], r['persons'], r['lesions']) for r in used] == [(str(len(films)), str(persons), str(lesions))], used
        for attribute in ('sex', 'view', 'age'):
            assert sum(int(r['films']) for r in flow if (r['stage'], r['fold'], r['attribute']) == ('used', fold, attribute)) == len(films)
        for sex in {about[r['image']].get('sex', '') for r in films} - {''}:
            n = sum(about[r['image']].get('sex', '') == sex for r in films)
            assert '%s %d' % (sex, n) in shown[fold][8], (shown[fold], sex, n)
    check(len(shown) == 4, 'film flow: %s' % {fold: len(films) for fold, films in counted.items()})


SET = []
for item in ('data.root="data"', 'image.size=64', 'model.width=8', 'train.batch=8', 'train.checkpoint_every=20'):
    SET += ['--set', item]


def main():
    out = json.loads(cawe('phantom', '--out', 'data', '--images', 80, '--size', 64, '--seed', 2, '--json'))
    check(out['images'] == 80, 'phantom')
    again = cawe('phantom', '--out', 'again', '--images', 80, '--size', 64, '--seed', 2)
    for name in sorted(p.relative_to(WORK / 'data') for p in (WORK / 'data').rglob('*') if p.is_file()):
        assert (WORK / 'data' / name).read_bytes() == (WORK / 'again' / name).read_bytes(), name
    check(again != '', 'phantoms are the same bytes every time')

    film = sorted((WORK / 'data/images').iterdir())[0]
    info = json.loads(cawe('inspect', film, '--json'))
    check((info['kind'], info['rows'], info['columns'], info['bits']) == ('dicom', 64, 64, 12), 'inspect a film')

    summary = json.loads(cawe('train', ROOT / 'recipes/demo/classifier.toml', '--out', 'cls', '--json', '--quiet',
                              '--set', 'train.steps=40', *SET))
    check(summary['steps'] == 40, 'classifier')
    for name in ('recipe.toml', 'environment.json', 'log.jsonl', 'metrics.csv', 'timings.csv', 'split.csv'):
        assert (WORK / 'cls' / name).stat().st_size > 0, name
    events = tfrecords(next((WORK / 'cls').glob('events.out.tfevents.*')).read_bytes())
    logged = (WORK / 'cls/log.jsonl').read_text().splitlines()
    check(b'brain.Event:2' in events[0] and len(events) == 1 + len(logged), 'TensorBoard: a record a line of the log')
    assert all(b'loss' in e or b'score' in e for e in events[1:])
    check('checkpoint' in cawe('inspect', next((WORK / 'cls/checkpoints').glob('step*'))), 'inspect a checkpoint')

    # Its films are enhanced: no classifier to look at with attention, but one to be trained and judged.
    summary = json.loads(cawe('train', ROOT / 'recipes/demo/classifier.toml', '--out', 'cls_afda', '--json', '--quiet',
                              '--set', 'train.steps=2', '--set', 'enhance.method=afda', '--set', 'data.test_folds=test',
                              *SET))
    results = json.loads((WORK / 'cls_afda/results.json').read_text())
    check(summary['test_auroc'] == results['mean_auroc']['value'],
          'a classifier of enhanced films is judged on its test fold')

    with open(WORK / 'cls/split.csv') as f:
        rows = list(csv.DictReader(f))
    test = [r['image'] for r in rows if r['fold'] == 'test']
    (WORK / 'test').mkdir()
    for name in test:
        shutil.copy(WORK / 'data/images' / (name + '.dcm'), WORK / 'test')
    for method in ('none', 'clahe', 'afda', 'medga'):
        cawe('enhance', '--method', method, '--input', 'test', '--out', 'e_' + method, '--quiet')
        assert len(list((WORK / ('e_' + method)).glob('*.png'))) == len(test), method
    cawe('enhance', '--method', 'cawe', '--classifier', 'cls', '--input', 'test', '--out', 'e_cawe', '--maps',
         '--quiet')
    check(len(list((WORK / 'e_cawe').glob('*_map.png'))) == len(test), 'enhance by every method')
    cawe('enhance', '--method', 'uniform', '--classifier', 'cls', '--input', 'test', '--out', 'e_uniform', '--format',
         'dicom', '--quiet')
    film = (WORK / 'e_uniform' / (test[0] + '.dcm')).read_bytes()
    check(b'"mean_of":{"method":"cawe"' in film and b'classifier sha256 ' in film,
          'a derived film names its method and the classifier')

    study = (ROOT / 'recipes/demo/study.toml').read_text()
    for name in ('classifier.toml', 'faster_rcnn.toml', 'retinanet.toml', 'colorizer.toml', 'colorizer_pretrain.toml'):
        study = study.replace('"%s"' % name, '"%s"' % (ROOT / 'recipes/demo' / name))
    (WORK / 'study.toml').write_text(study)
    small = ','.join("'%s'" % s for s in SET[1::2] + ['train.steps=24'])
    args = ['study', 'study.toml', '--out', 'study', '--quiet', '--set', 'set=[%s,\'model.channels=32\']' % small,
            '--set', 'classifier_set=[%s]' % small, '--set', 'rows=["none", "cawe"]', '--set', 'boot.draws=200',
            '--set', 'detectors=["retinanet"]', '--set', 'controls=["shuffled"]']
    # Stopped by a signal in the middle, that is once a training has logged a step: the state is saved, and the study
    # goes on from there. Most of it is still to be done then, however slow or fast the machine is.
    running = subprocess.Popen([PROGRAM] + args, cwd=WORK, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not any(log.stat().st_size for log in (WORK / 'study').rglob('log.jsonl')):
        assert running.poll() is None and time.monotonic() < deadline, 'no training began: %s' % (running.communicate(),
                                                                                                  )
        time.sleep(0.02)
    running.send_signal(signal.SIGTERM)
    _, errors = running.communicate(timeout=300)
    check(running.returncode == 143 and '--resume' in errors,
          'SIGTERM saves and exits 143 (here %d)' % running.returncode)
    check(list((WORK / 'study').rglob('step-*.safetensors')), '... with a checkpoint of the step')
    cawe(*args, '--resume')
    with open(WORK / 'study/results.csv') as f:
        table = list(csv.DictReader(f))
    check([r['enhancement'] for r in table] == ['none', 'cawe', 'shuffled'], 'study: rows none, cawe and the control')
    for r in table:
        assert 0 <= float(r['ci_low@1']) <= float(r['sens@1']) <= float(r['ci_high@1']) <= 1, r
        assert int(r['images']) == len(test) and r['froc_rule']
    report = (WORK / 'study/report.html').read_text()
    check('Demonstration, not evidence' in report and 'shuffled' in report, 'report.html')
    check_provenance(args, report)
    check_fallbacks(report, test)
    check_figure_1(report, test)
    with open(WORK / 'study/rows/retinanet-none-0/split.csv') as f:
        check_films_flow(report, list(csv.DictReader(f)))

    detector = 'study/rows/retinanet-cawe-0'
    cawe('detect', '--weights', detector, '--input', 'test', '--out', 'd.csv', '--quiet')
    with open(WORK / 'd.csv') as f:
        ours = sorted(list(csv.reader(f))[1:])
    with open(WORK / detector / 'detections.csv') as f:
        theirs = sorted(list(csv.reader(f))[1:])
    check(ours == theirs,
          'detect finds in the files what the study found (%d boxes), with the chain out of one file' % len(ours))
    cawe('detect', '--weights', detector, '--input', 'test', '--out', 'd.json', '--quiet')
    check(len(json.loads((WORK / 'd.json').read_text())) == len(ours), 'COCO results')
    cawe('detect', '--weights', detector, '--input', 'test', '--out', 'a.csv', '--anon', 'hash', '--quiet')
    with open(WORK / 'a.csv') as f:
        hashed = sorted(list(csv.reader(f))[1:])
    check([r[:1] + r[2:] for r in hashed] == [r[:1] + r[2:] for r in ours] and all(len(r[1]) == 32 for r in hashed),
          '--anon hash changes the patients alone')

    cawe('train', ROOT / 'recipes/demo/classifier.toml', '--out', 'by_loss', '--quiet', *SET, '--set', 'train.steps=8',
         '--set', 'train.eval_every=4', '--set', 'train.select=loss', '--set', 'train.pos_weight=[2]', '--set',
         'data.train_folds=["train"]', '--set', 'data.val_folds=["val"]')
    validations = [json.loads(line) for line in (WORK / 'by_loss/log.jsonl').read_text().splitlines()
                   if 'val.loss' in line]
    check(len(validations) == 2 and all(v['score'] == -v['val.loss'] < 0 for v in validations),
          'train.select = "loss" chooses by it')
    # min_delta is 1, so the first validation stays the best: the run is tested with its checkpoint and hands it on.
    chosen = ['train', ROOT / 'recipes/demo/retinanet.toml', '--quiet', *SET, '--set', 'train.steps=16', '--set',
              'train.eval_every=8', '--set', 'train.min_delta=1', '--set', 'model.channels=32', '--set',
              'data.train_folds=["train"]', '--set', 'data.val_folds=["val"]']
    cawe(*chosen, '--out', 'chosen')
    written = (WORK / 'chosen/detections.csv').read_bytes()
    for weights, same in (('chosen', True), ('chosen/checkpoints/step-00000016.safetensors', False)):
        cawe('detect', '--weights', weights, '--input', 'test', '--out', 'c.csv', '--quiet')
        found = sorted((WORK / 'c.csv').read_bytes().splitlines())
        check((found == sorted(written.splitlines())) == same,
              "the best checkpoint's boxes are %s %s's" % ('as' if same else 'not', weights))
    cawe(*chosen, '--out', 'last', '--set', 'train.select=last')
    check(not (WORK / 'last/checkpoints/best.safetensors').exists(), 'train.select = "last": no checkpoint is chosen')

    lines = (WORK / 'data/stage_2_train_labels.csv').read_text().splitlines()
    (WORK / 'truth.csv').write_text('\n'.join([lines[0]] + [line for line in lines[1:] if line.split(',')[0] in test]) +
                                    '\n')
    result = json.loads(cawe('evaluate', '--detections', 'd.csv', '--truth', 'truth.csv', '--json', '--out', 'ev'))
    cawe_row = [r for r in table if r['enhancement'] == 'cawe'][0]
    check(abs(result['sens']['1']['value'] - float(cawe_row['sens@1'])) < 1e-9, 'evaluate agrees with the study')
    assert (WORK / 'ev/froc.svg').stat().st_size > 0
    cawe('detect', '--weights', detector, '--input', 'data/images', '--out', 'leak.csv', code=3)
    check(not (WORK / 'leak.csv').exists(), 'films of training patients are refused')
    # Patients from a table: one that causes a refusal, and one that avoids it.
    train_person = [r['patient'] for r in rows if r['fold'] == 'train'][0]
    (WORK / 'one.csv').write_text('image,patient\n' +
                                  ''.join('%s.dcm,%s\n' % (name, train_person if i == 0 else 'new') for i,
                                          name in enumerate(test)))
    refused = cawe('detect', '--weights', detector, '--input', 'test', '--out', 'leak.csv', '--patients', 'one.csv',
                   code=3, stderr=True)
    check(train_person in refused and not (WORK / 'leak.csv').exists(),
          '--patients: a person of the training is refused by the table')
    (WORK / 'all.csv').write_text('image,patient\n' +
                                  ''.join('%s,new%d\n' % (r['image'], i) for i, r in enumerate(rows)))
    refused = cawe('detect', '--weights', detector, '--input', 'data/images', '--out', 'leak.csv', '--patients',
                   'all.csv', code=3, stderr=True)
    check('pixels' in refused and not (WORK / 'leak.csv').exists(),
          '--patients: whosever a table says they are, films that trained are refused')
    cawe('detect', '--weights', detector, '--input', 'test', '--out', 'all_boxes.csv', '--patients', 'all.csv',
         '--quiet')
    (WORK / 'short.csv').write_text('image,patient\n')
    short = cawe('enhance', '--method', 'clahe', '--input', 'test', '--out', 'e_short', '--patients', 'short.csv',
                 code=3, stderr=True)
    check(len(short.splitlines()) == 1 and test[0] in short, '--patients: an input without a line is an error')


main()

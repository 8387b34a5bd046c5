# SPDX-License-Identifier: Apache-2.0
"""The whole line on small phantoms: films, classifier, enhancement, study, detection, evaluation, resume.

usage: python3 tests/apps/whole_line.py build/release/cawe
"""
import csv
import json
import shutil
import signal
import struct
import subprocess
import time

import common
from common import PROGRAM, ROOT, WORK, check
from report_checks import (check_fallbacks, check_figure_1, check_films_flow, check_provenance, check_spoilt_films, spoil_two_films,
                           table_of)


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


SET = []
for item in ('data.root="data"', 'image.size=64', 'model.width=8', 'train.batch=8', 'train.checkpoint_every=20'):
    SET += ['--set', item]


def overlap(a, b):
    """Intersection over union of two boxes x, y, width, height."""
    w, h = (min(a[k] + a[k + 2], b[k] + b[k + 2]) - max(a[k], b[k]) for k in (0, 1))
    shared = max(w, 0) * max(h, 0)
    return shared / (a[2] * a[3] + b[2] * b[3] - shared)


def true_boxes():
    boxes = {}
    with open(WORK / 'data/stage_2_train_labels.csv') as f:
        for r in csv.DictReader(f):
            mine = boxes.setdefault(r['patientId'], [])
            if r['Target'] == '1':
                mine.append([float(r[k]) for k in ('x', 'y', 'width', 'height')])
    return boxes


def judged(path, films, truth):
    """(score, found, false positives) of each score, highest first: IoU >= 0.5, a found lesion's other boxes ignored."""
    with open(path) as f:
        rows = sorted(csv.DictReader(f), key=lambda r: -float(r['score']))
    taken, found, wrong, points = set(), 0, 0, []
    for r in rows:
        box = [float(r[k]) for k in ('x', 'y', 'width', 'height')]
        hits = sorted((-overlap(box, t), k) for k, t in enumerate(truth[r['image']]) if overlap(box, t) >= 0.5)
        fresh = [k for _, k in hits if (r['image'], k) not in taken]
        if fresh:
            taken.add((r['image'], fresh[0]))
            found += 1
        wrong += not hits
        if points and points[-1][0] == float(r['score']):
            points.pop()
        points.append((float(r['score']), found, wrong))
    assert rows and {r['image'] for r in rows} <= set(films)
    return points


def check_fixed_threshold(run):
    """A run's threshold is the one that its validation films give, judged here, and its test is judged at that one."""
    films = {fold: [r['image'] for r in table_of(run + '/split.csv') if r['fold'] == fold] for fold in ('val', 'test')}
    (WORK / 'val').mkdir()
    for name in films['val']:
        shutil.copy(WORK / 'data/images' / (name + '.dcm'), WORK / 'val')
    cawe('detect', '--weights', run, '--input', 'val', '--out', 'val.csv', '--quiet')
    truth = true_boxes()
    points = judged(WORK / 'val.csv', films['val'], truth)
    enough = [(score, wrong) for score, _, wrong in points if wrong >= len(films['val'])]
    at = json.loads((WORK / run / 'results.json').read_text())['at_threshold']
    threshold, wrong = enough[0] if enough else (points[-1][0], points[-1][2])
    assert at['threshold'] == threshold, (at, threshold)
    assert at['chosen'].startswith('chosen on %d validation films: ' % len(films['val'])), at
    assert ('never reach' in at['chosen']) == (not enough), at
    assert '(%.3g there)' % (wrong / len(films['val'])) in at['chosen'], (at, wrong)
    kept = [p for p in judged(WORK / run / 'detections.csv', films['test'], truth) if p[0] >= threshold][-1]
    assert (at['found'], at['false_positives']) == kept[1:], (at, kept)
    lesions = sum(len(truth[name]) for name in films['test'])
    assert abs(at['sensitivity']['value'] - kept[1] / lesions) < 1e-12, at
    assert abs(at['fp_per_image']['value'] - kept[2] / len(films['test'])) < 1e-12, at
    assert at['fp_per_image']['ci_low'] <= at['fp_per_image']['value'] <= at['fp_per_image']['ci_high'], at
    assert 'at_threshold' not in json.loads((WORK / 'study/rows/retinanet-none-0/results.json').read_text())
    check(True, 'at_threshold: %.4f by %d validation films (%d with enough false positives)' %
          (threshold, len(films['val']), bool(enough)))


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
    for label, auroc in results['auroc'].items():
        c = results['calibration'][label]
        assert (c['ones'], c['items']) == (auroc['positives'], auroc['positives'] + auroc['negatives']), label
        for bins in (c['equal_width']['bins'], c['equal_count']['bins']):
            assert sum(b['items'] for b in bins) == c['items'], (label, bins)
            assert all(0 < b['low'] <= b['mean_score'] <= b['high'] < 1 or bins is c['equal_width']['bins'] for b in bins)
        assert c['undefined'] is None and c['brier']['ci_low'] <= c['brier']['value'] <= c['brier']['ci_high'], label
    check(set(results['calibration']) == set(results['auroc']) and results['auroc'], '... with the calibration of each label')

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
            '--set', 'detectors=["retinanet"]', '--set', 'controls=["shuffled"]', '--set', 'again=false']
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
    assert check_fallbacks(report, 'study', test) == 0, 'active classes after so few steps'
    check_figure_1(report, 'study', test)
    split = table_of('study/rows/retinanet-none-0/split.csv')
    check_films_flow(report, split)
    spoil_two_films(split)
    # Again where some classes are active and a box is soon right: a threshold between the lesion films' probabilities.
    sigmas = sorted(float(r['sigma']) for r in table_of('study/map_classes.csv') if int(r['lesions']) > 0)
    threshold = round((sigmas[len(sigmas) // 2 - 1] + sigmas[len(sigmas) // 2]) / 2, 6)
    other = lambda a: a.replace('data.root="data"', 'data.root="spoilt"').replace(
        'set=[', "set=['data.strict=false','cam.act_threshold=%s'," % threshold) if a.startswith('set=[') else a
    cawe(*['other' if before == '--out' else other(a) for before, a in zip([''] + args, args)],
         *common.sets('classifier=study/classifier', 'controls=[]', 'froc.iou=0.001', 'seeds=[0,1]'))
    report = (WORK / 'other/report.html').read_text()
    assert check_fallbacks(report, 'other', test, threshold) > 0, 'no class is active: the check says nothing'
    check_spoilt_films(report)
    assert check_figure_1(report, 'other', test, 0.001) > 1, 'one film at most is right: the check says nothing'

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
    check_fixed_threshold('chosen')
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

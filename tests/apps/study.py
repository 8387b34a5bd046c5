# SPDX-License-Identifier: Apache-2.0
"""A whole study on small phantoms: every row, killed and resumed, one thread and two, figures, report, ablations,
wrong keys.

usage: python3 tests/apps/study.py build/release/cawe
"""
import csv
import random
import re
import signal
import subprocess
import time
import xml.etree.ElementTree as xml

from common import PROGRAM, ROOT, WORK, cawe, check

PAPER_ROWS = ['none', 'afda', 'medga', 'color', 'cawe', 'color+cawe']
CONTROLS = ['shuffled', 'uniform']
ROWS = [(d, r) for d in ('faster_rcnn', 'retinanet') for r in PAPER_ROWS] + [('retinanet', c) for c in CONTROLS] + [
    ('faster_rcnn', 'aa'), ('retinanet', 'aa')]
# The columns that results.csv promises, in this order: one for each threshold.
COLUMNS = (['detector', 'enhancement', 'seed'] + ['sens@%d' % k for k in (1, 2, 3, 4)] +
           ['ci_%s@%d' % (end, k) for k in (1, 2, 3, 4) for end in ('low', 'high')] +
           ['%s@%d' % (what, k) for k in (1, 2, 3, 4) for what in ('delta', 'p')] +
           ['map50', 'froc_rule', 'images', 'patients', 'lesions', 'mean', 'p_holm', 'seeds', 'family', 'split_unit', 'units'])


TINY = {'data.root': {'data': '"data"', 'scenes': '"scenes"'}, 'image.size': 64, 'model.width': 8, 'model.channels': 16,
        'roi.hidden': 16, 'train.steps': 5, 'train.batch': 4, 'train.checkpoint_every': 2, 'gan.phi_width': 8,
        'gan.critic_width': 8, 'phase.frozen.steps': 2, 'phase.all.steps': 3, 'phase.critic.steps': 2,
        'phase.gan.steps': 3}


def shrunk(name):
    """The demonstration's recipe with tiny networks and few steps."""
    lines, section = [], ''
    for line in (ROOT / 'recipes/demo' / name).read_text().splitlines():
        if line.startswith('['):
            section = line.strip('[]') + '.'
        key = section + line.split(' = ')[0]
        if key in TINY:
            value = TINY[key]
            line = line.split(' = ')[0] + ' = ' + str(value[line.rstrip('"').rsplit('/', 1)[1]]
                                                      if isinstance(value, dict) else value)
        lines.append(line)
    return '\n'.join(lines) + '\n'


def arguments(out, *more):
    return [str(a) for a in ('study', 'recipes/study.toml', '--out', out, '--quiet', '--set', 'boot.draws=100', '--set',
                             'panels=2') + more]


def prepare():
    cawe('phantom', '--out', 'data', '--images', 100, '--size', 64, '--seed', 2)
    cawe('phantom', '--kind', 'scenes', '--out', 'scenes', '--images', 40, '--size', 64, '--seed', 3)
    (WORK / 'recipes').mkdir()
    for path in (ROOT / 'recipes/demo').glob('*.toml'):
        (WORK / 'recipes' / path.name).write_text(shrunk(path.name))


def outcome(out):
    """Results, and what every row's detector found. results.json has thresholds, which are scores to the last digit."""
    names = ['results.csv', 'results.json'] + ['rows/%s-%s-%d/detections.csv' % (*row, 1000 if row[1] == 'aa' else 0)
                                                for row in ROWS]
    return [(WORK / out / name).read_bytes() for name in names]


def undisturbed():
    """The outcome, and the seconds that one thread took."""
    start = time.time()
    cawe(*arguments('one', '--threads', 1))
    seconds = time.time() - start
    cawe(*arguments('two', '--threads', 2))
    one = outcome('one')
    assert len(set(one)) == len(one) and all(found.count(b'\n') > 50
                                             for found in one[2:]), 'rows that cannot be told apart prove nothing'
    check(outcome('two') == one, 'results and detections are the same on one thread and on two')
    return one, seconds


def trainings_done():
    return len(list((WORK / 'killed').glob('**/done')))


def killed(expected, seconds):
    """Killed at five random moments: when so many trainings are done, and a while later; the last over the report."""
    draw, kills, trainings = random.Random(6), 0, len(ROWS) + 3
    for target in sorted(draw.sample(range(trainings), 4)) + [trainings]:
        running = subprocess.Popen([PROGRAM] + arguments('killed', '--threads', 1, '--resume'), cwd=WORK,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while running.poll() is None and trainings_done() < target:
            time.sleep(0.02)
        # A part of a training's time later; but before the next one is done, as it may be on a faster machine.
        done, moment = trainings_done(), time.monotonic() + draw.uniform(0.2, 1) * seconds / trainings
        while running.poll() is None and time.monotonic() < moment and trainings_done() == done:
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
        _, errors = running.communicate(timeout=60)
        assert running.returncode in (0, -signal.SIGKILL), errors
        kills += running.returncode != 0
        print('     killed with %d of %d trainings done' % (trainings_done(), trainings), flush=True)
    check(kills >= 4, '%d kills' % kills)
    cawe(*arguments('killed', '--threads', 1, '--resume'))
    check(outcome('killed') == expected, 'killed with -9 and resumed: the same results and detections')
    check(not list((WORK / 'killed').rglob('*.part')) and not (WORK / 'killed/enhanced').exists(),
          'nothing half-written is left')


def contract():
    with open(WORK / 'one/results.csv') as f:
        header, *rows = csv.reader(f)
    check(header == COLUMNS, "results.csv has the contract's columns")
    check([(r[0], r[1]) for r in rows] == ROWS, "the paper's twelve rows in its order, then the controls and the A/A rows")
    for row in (dict(zip(header, r)) for r in rows):
        assert 0 <= float(row['ci_low@1']) <= float(row['sens@1']) <= float(row['ci_high@1']) <= 1, row
        assert (row['delta@4'] == '') == (row['enhancement'] == 'none'), row
        assert (row['family'] == '') == (row['enhancement'] in ('none', 'aa')) and row['seeds'] == '1', row
        assert abs(float(row['mean']) - sum(float(row['sens@%d' % k]) for k in (1, 2, 3, 4)) / 4) < 1e-12, row
        assert int(row['images']) >= int(row['patients']) > 0 and int(row['lesions']) > 0, row
    with open(WORK / 'one/lesions_by_map.csv') as f:
        thirds = list(csv.DictReader(f))
    lesions = {r[header.index('lesions')] for r in rows}
    for detector, enhancement in {(r['detector'], r['enhancement']) for r in thirds}:
        mine = [r for r in thirds if (r['detector'], r['enhancement']) == (detector, enhancement)]
        assert [r['third'] for r in mine] == ['dark', 'middle', 'bright'], mine
        assert {str(sum(int(r['lesions']) for r in mine))} == lesions, (mine, lesions)
        assert all(float(r['ci_low']) <= float(r['mean_sens']) <= float(r['ci_high']) for r in mine), mine
    check({r['enhancement'] for r in thirds} >= {'none', 'cawe', 'color+cawe'},
          'thirds of the lesions by the map, for every row that reads it')
    numbered = sorted(p.stem for p in (WORK / 'one/figures').glob('figure?.svg'))
    assert numbered == ['figure%d' % n for n in (1, 2, 3, 4, 5)], numbered
    for n in numbered:
        svg = xml.parse(WORK / ('one/figures/%s.svg' % n)).getroot()
        assert svg.tag == '{http://www.w3.org/2000/svg}svg' and len(list(svg.iter())) > 10, n
        with open(WORK / ('one/figures/%s.csv' % n)) as f:
            table = list(csv.reader(f))
        assert len(table) > 1 and all(len(r) == len(table[0]) for r in table), n
    check(True, '%d figures, as SVG and as CSV' % len(numbered))
    xml.parse(WORK / 'one/figures/figure4-log.svg')
    xml.parse(WORK / 'one/figures/flow.svg')
    with open(WORK / 'one/figures/figure4.csv') as f:
        points = list(csv.DictReader(f))
    for p in points:
        if p['part'] != 'sens':
            continue
        of_row = [q for q in points if (q['detector'], q['enhancement']) == (p['detector'], p['enhancement'])]
        curve = [q for q in of_row if q['part'] == 'curve' and float(q['fp_per_image']) <= float(p['fp_per_image'])]
        assert abs(float(p['sensitivity']) - (float(curve[-1]['sensitivity']) if curve else 0)) < 1e-12, p
    check(True, "figure 4's points lie on its curves")
    report = (WORK / 'one/report.html').read_text()
    shown = re.findall(r'<tr class="[^"]*" data-detector="([^"]*)" data-control="([01])" data-name="([^"]*)"', report)
    titles = {'faster_rcnn': 'Faster R-CNN', 'retinanet': 'RetinaNet'}
    assert sorted((d, c) for d, c, _ in shown) == sorted((titles[d], str(int(e in CONTROLS + ['aa']))) for d, e in ROWS), shown
    assert len({name for _, _, name in shown}) == len(ROWS), shown
    check(all('id="%s"' % i in report for i in ('alpha', 'window', 'threshold')),
          'report.html has every row, and its controls')
    facts = dict(re.findall(r'<dt>([a-z_]+)</dt><dd>([^<]*)</dd>', (WORK / 'two/report.html').read_text()))
    check(facts['threads'] == '2' and '--out two' in facts['command_line'], 'report.html says how it was made')


def ablations():
    # Keys that only some rows use may be set for all.
    cawe(*arguments('ablated', '--set', 'detectors=["retinanet"]', '--set',
                    "set=['color.render_factor=4', 'cam.exclude_labels=[\"nodule\"]']", '--set',
                    'rows=["none", "cawe"]', '--set', 'controls=[]', '--set', 'again=false', '--ablate', 'fuse.alpha=0.2,0.8', '--set',
                    'froc.iou=0.2'))
    with open(WORK / 'ablated/results.csv') as f:
        table = list(csv.DictReader(f))
    check({r['froc_rule'] for r in table} == {'iou>=0.2;duplicates=ignore;step'}, 'froc.iou: another rule for all rows')
    rows = [r['enhancement'] for r in table]
    check(rows == ['none', 'cawe', 'cawe fuse.alpha=0.2', 'cawe fuse.alpha=0.8'], '--ablate adds a row for each value')


def wrong_keys():
    for setting, word in (
            ('rowz=["none"]', 'rows'),
            ('rows=["none", "caew"]', 'cawe'),
            ('rows=["cawe"]', 'none'),
            ('controls=["shufled"]', 'shuffled'),
            ('controls=["dose="]', 'dose=Q'),
            ('controls=["dose=1.5"]', 'dose=Q'),
            ('controls=["dose=0.5", "dose=0.50"]', 'two rows'),
            ('controls=["shuffled:clahe"]', 'no attention map'),
            ('detectors=["yolo"]', 'retinanet'),
            ('froc.rule="iuo"', 'iou'),
            ('seeds=[]', 'seeds'),
            ('set=["train.stepz=3"]', 'train.steps'),
            ('ablate="fuse.alpha"', 'key=a,b,c'),
            ('ablate="fuse.alhpa=0.2"', 'fuse.alpha'),
            ('ablate="fuse.alpha=0.2,2"', 'fuse.alpha'),
            ('ablate="fuse.alpha=0.2,0.2"', 'two rows'),
            ('controls=["uniform", "cawe"]', 'two rows'),
            ('colorizer_set=["model.widht=8"]', 'model.width'),
            ('classifier_set=["train.batsh=4"]', 'train.batch'),
            ('classifier=""', 'classifier'),
            ('colorizer=""', 'colorizer')):
        done = cawe(*arguments('wrong', '--set', setting), code=2)
        lines = done.stderr.splitlines()
        assert len(lines) == 1 and lines[0].startswith('cawe: error: ') and word in lines[0], (setting, done.stderr)
        assert not (WORK / 'wrong').exists(), setting
    check(True, 'wrong keys: exit 2, one line, what was meant, before anything is trained')
    again = cawe(*arguments('one'), code=2)
    check('--resume' in again.stderr, 'a study is not overwritten')


prepare()
results, course = undisturbed()
contract()
killed(results, course)
ablations()
wrong_keys()

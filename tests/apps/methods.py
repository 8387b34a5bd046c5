# SPDX-License-Identifier: Apache-2.0
"""What a study says of methods: methods.csv, same_system.csv and `cawe plan power`, counted again from results.csv.

usage: python3 tests/apps/methods.py build/release/cawe
"""
import csv
import html
import json
import math
import os
import re
import statistics
import subprocess

from common import PROGRAM, ROOT, WORK, cawe, check, tree
from report_checks import shown_table

DETECTOR = """task = "retinanet"
[data]
root = "data"
labels_csv = "metadata.csv"
boxes = "stage_2_train_labels.csv"
split = "patient"
test = 0.5
val = 0
[image]
size = 32
[model]
depth = 18
width = 4
channels = 8
head_convs = 1
anchor_base = 8
[train]
steps = 12
batch = 4
lr = 1e-3
"""
STUDY = """task = "study"
retinanet = "detector.toml"
pretrained = false
rows = ["none", "clahe", "afda"]
controls = ["colormap"]
seeds = [0, 1, 2, 3, 4]
panels = 0
[boot]
draws = 400
"""
T4 = 2.7764451051977987  # t at .975 with four degrees of freedom
Z = 1.959963984540054


def table(path):
    with open(WORK / path) as f:
        return list(csv.DictReader(f))


def holm(p):
    order, running, out = sorted(range(len(p)), key=lambda i: p[i]), 0, [0] * len(p)
    for k, i in enumerate(order):
        running = max(running, min(1, p[i] * (len(p) - k)))
        out[i] = running
    return out


def near(a, b, bound=1e-9):
    return abs(float(a) - b) <= bound


def signed(value):
    text = '%.3f' % abs(float(value))
    return text if not float(text) else ('-' if float(value) < 0 else '+') + text


def sentences(study):
    """Every sentence of the page about a row says what methods.csv says of it: figures, verdict, power, and of what they are."""
    page = (WORK / study / 'report.html').read_text()
    said = [html.unescape(s) for s in re.findall('<li[^>]*>(.*?)</li>', re.search('(?s)id="claims">(.*?)</ul>', page).group(1))]
    rows = [r for r in table(study + '/methods.csv') if r['kind'] in ('method', 'control', 'again')]
    assert len(said) == len(rows) > 1, (said, rows)
    for row in rows:
        name = {'clahe': 'CLAHE', 'afda': 'AFDA'}.get(row['enhancement'], row['enhancement'])
        mine = [s for s in said if ('RetinaNet with ' + name in s if row['kind'] != 'again' else s.startswith('A/A: '))
                or (row['enhancement'] == 'colormap' and s.startswith('Control: '))]
        assert len(mine) == 1, (row, said)
        sentence, footing = mine[0].replace('\u2212', '-'), row['footing']
        corrected = row['p_holm'] != ''
        p = float(row['p_holm'] or row['p'])
        figures = '%s, 95 %% interval %s to %s over %spatients' % (
            signed(row['delta']), signed(row['delta_low']), signed(row['delta_high']), '' if footing == 'weights_only' else 'seeds and ')
        if footing != 'few_seeds':
            figures += (', corrected p ' if corrected else ', p ') + ('< 0.001' if p < .001 else '%.3f' % p)
        assert '(' + figures + ')' in sentence, (figures, sentence)
        words = {'gain': 'finds more lesions than', 'loss': 'finds fewer lesions than', 'none': 'no difference shown', 'no_verdict': 'no verdict from'}
        assert [v for v, w in words.items() if w in sentence] == [row['verdict']], (row, sentence)
        assert ('these weights only' in sentence) == (footing == 'weights_only'), sentence
        if row['verdict'] == 'none' and float(row['minimum_detectable']) >= .0005:
            family = int(row['family'] or 1)
            assert 'A true difference of %.3f' % float(row['minimum_detectable']) in sentence and (
                'tested at 0.05' + (' / %d' % family if family > 1 else '')) in sentence, (row, sentence)
            assert ('other seeds and other patients' in sentence) == (footing == 'method'), sentence
    print('ok  every sentence of %s against methods.csv' % study, flush=True)


def other_intervals(page, methods):
    """The page's table of one difference by all its intervals has methods.csv's figures."""
    columns = [('delta_low', 'delta_high'), ('calibrated_low', 'calibrated_high'), ('two_level_low', 'two_level_high'),
               ('films_fixed_low', 'films_fixed_high'), ('patients_low', 'patients_high')]
    shown = shown_table(page, 'The same differences by other intervals')
    rows = [r for name, r in methods.items() if name != 'none']
    assert len(shown) == len(rows) > 1, shown
    for cells, row in zip(shown, rows):
        wanted = [signed(row['delta'])] + ['%s to %s' % (signed(row[low]), signed(row[high])) for low, high in columns]
        assert [c.replace('\u2212', '-') for c in cells[1:]] == wanted, (cells, wanted)
        assert len(set(wanted[1:])) > 2, 'intervals that cannot be told apart prove nothing'
    print('ok  the same differences by other intervals', flush=True)


def five_seeds():
    methods = {r['enhancement']: r for r in table('five/methods.csv')}
    results = table('five/results.csv')
    means = {name: [float(r['mean']) for r in results if r['enhancement'] == name] for name in methods}
    check([(n, r['kind']) for n, r in methods.items()] == [('none', 'baseline'), ('clahe', 'method'), ('afda', 'method'),
                                                           ('colormap', 'control'), ('aa', 'again')], 'a line for each row')
    check([r['seed'] for r in results if r['enhancement'] == 'aa'] == [str(1000 + k) for k in range(5)],
          'the A/A row has seeds of its own')
    assert any(statistics.stdev(v) > 0 for v in means.values()), 'trainings that cannot be told apart prove nothing'
    family = [r for r in methods.values() if r['kind'] in ('method', 'control')]
    for row, corrected in zip(family, holm([float(r['p']) for r in family])):
        assert near(row['p_holm'], corrected) and row['family'] == '3', row
        lines = [r for r in results if r['enhancement'] == row['enhancement']]
        assert all(near(r['p_holm'], corrected) and r['seeds'] == '5' and r['family'].startswith('3 ') for r in lines), lines
    for name, row in methods.items():
        mine = means[name]
        assert row['seeds'] == '5' and row['footing'] == 'method', row
        assert [float(v) for v in row['by_seed'].split()] == mine, (row, mine)
        assert near(row['mean'], statistics.mean(mine)) and near(row['sd_seeds'], statistics.stdev(mine)), row
        if name == 'none':
            assert row['delta'] == row['p'] == row['verdict'] == '', row
            continue
        d = [a - b for a, b in zip(mine, means['none'])]
        half = T4 * statistics.stdev(d) / math.sqrt(5)
        assert near(row['delta'], statistics.mean(d)), row
        assert near(row['films_fixed_low'], statistics.mean(d) - half) and near(row['films_fixed_high'], statistics.mean(d) + half), row
        # The mixed model's variance of the mean is that over seeds and what patients add, and never below the first.
        assert float(row['standard_error']) >= statistics.stdev(d) / math.sqrt(5) - 1e-12, row
        low, high, p = float(row['delta_low']), float(row['delta_high']), float(row['p'])
        assert (low <= 0 <= high) == (p > .05), row
        corrected = float(row['p_holm'] or row['p'])
        word = 'none' if low <= 0 <= high or corrected > .05 else 'gain' if low > 0 else 'loss'
        assert row['verdict'] == word, row
    check(methods['aa']['p_holm'] == methods['aa']['family'] == '', 'A/A rows are outside the correction')
    same = table('five/same_system.csv')
    check(len(same) == 1 and same[0]['pairs'] == '45' and same[0]['deals'] == '126' and same[0]['every_deal'] == '1',
          'A/A: 45 pairs and all 126 ways to deal ten runs')
    page = (WORK / 'five/report.html').read_text()
    share = 'calls %s of 45 pairs of trainings different at 0.05; of 126 ways' % same[0]['pairs_different']
    check(share in page and 'One seed' not in page and '5 seeds: intervals and p are over seeds and patients' in page,
          'the report says of what its intervals are')
    other_intervals(page, methods)
    sentences('five')


def other_numbers_of_seeds():
    for seeds, footing, verdict in (('0', 'weights_only', {'none', 'gain', 'loss'}), ('0,1', 'few_seeds', {'no_verdict'})):
        name = 'seeds' + str(len(seeds))
        cawe('study', 'study.toml', '--out', name, '--quiet', '--set', 'seeds=' + seeds, '--set', 'rows=["none", "clahe"]',
             '--set', 'controls=[]')
        rows = {r['enhancement']: r for r in table(name + '/methods.csv')}
        assert {r['footing'] for r in rows.values()} == {footing} and rows['clahe']['verdict'] in verdict, rows
        assert (rows['clahe']['var_seeds'] == '') == (footing == 'weights_only'), rows
        page = (WORK / name / 'report.html').read_text()
        assert ('these weights only' in page) == (footing == 'weights_only')
        assert ('no verdict from 2 seeds, 5 are needed' in page) == (footing == 'few_seeds')
        assert ('The same differences by other intervals' in page) == (footing == 'few_seeds')
        sentences(name)
        same = table(name + '/same_system.csv')[0]
        assert (same['deals'] == '0') == (footing == 'weights_only') and same['deal_share'] == ('' if same['deals'] == '0' else same['deal_share'])
    check(True, 'one seed speaks of weights, two give no verdict')


def plan():
    def said(*args):
        return json.loads(cawe('plan', 'power', 'five', '--json', *args).stdout)
    rows = [r for r in table('five/methods.csv') if r['kind'] in ('method', 'control')]
    report = said()
    for key in ('var_patients', 'var_seeds', 'var_rest'):
        assert near(report[key], statistics.mean(float(r[key]) for r in rows), 1e-8), (key, report)
    check(report['comparisons'] == 3 and report['family'] == 3 and report['seeds'] == 5 and
          report['units'] == int(rows[0]['units']) and [p['seeds'] for p in report['plan']] == [3, 5, 10, 20],
          'plan power takes the variances of the study, and its family')
    # With very many seeds and patients the t distribution is normal: (z of the level + z of the power) standard errors.
    many = said('--seeds', '10000', '--family', '1')['plan'][0]
    share = report['lesions'] / 9555  # RSNA has fewer lesions a film: they, not its films, are what sensitivity is drawn from
    normal = (Z + 0.8416212335729143) * math.sqrt(report['var_patients'] * share + report['var_seeds'] / 10000 +
                                                  report['var_rest'] * share / 10000)
    check(near(many['effect_rsna_all'], normal, 0.01 * normal), 'at RSNA\'s size: %.4f, by hand %.4f' % (many['effect_rsna_all'], normal))
    easy, hard = said('--effect', '0.9')['plan'], said('--effect', '0.0001', '--seeds', '5')['plan'][0]
    assert easy[-1]['power_here'] > 0.99 and hard['power_here'] < 0.05, (easy, hard)
    # At its own seeds, films and family a row's smallest difference is what the plan gives the power .8.
    for row in rows:
        if float(row['minimum_detectable'] or 0) > 0:
            own = said('--row', 'retinanet/' + row['enhancement'], '--effect', row['minimum_detectable'], '--seeds', '5')
            check(near(own['plan'][0]['power_here'], 0.8, 2e-3), 'plan and study agree on %s: %.4f' % (row['enhancement'], own['plan'][0]['power_here']))
    one = said('--row', 'retinanet/clahe')
    assert one['comparisons'] == 1 and near(one['var_seeds'], float(rows[0]['var_seeds']), 1e-8), one
    text = cawe('plan', 'power', 'five/methods.csv', '--effect', '0.05').stdout
    check('a difference of 0.05 shown in 80 of 100 studies' in text and 'at 0.05 / 3' in text and
          'needed: test patients for that power; none: ' in text, 'the plan as text')
    lines = table('five/methods.csv')
    with open(WORK / 'agree.csv', 'w', newline='') as f:
        out = csv.DictWriter(f, lines[0])
        out.writeheader()
        out.writerows({**line, 'var_seeds': line['var_seeds'] and '0', 'var_rest': line['var_rest'] and '0.001'} for line in lines)
    text = cawe('plan', 'power', 'agree.csv').stdout
    check('note: 5 seeds did not differ more than chance would let them' in text, 'seeds that agree are no proof')
    text = cawe('plan', 'power', 'five', '--effect', '0.0001', '--level', '0.999', '--power', '0.999', '--seeds', '2', '--family', '3000').stdout
    check('a difference of 0.0001 shown in 99.9 of 100 studies' in text and 'at 0.001 / 3000' in text and
          text.split('lesions\n')[-1].split('\n')[0].split() == ['2', 'none', 'none'], 'a plan that no study fulfils, at once and in its own digits')
    one_seed = next(r for r in table('seeds1/methods.csv') if r['enhancement'] == 'clahe')
    if float(one_seed['var_patients']) > 0:
        weights = json.loads(cawe('plan', 'power', 'seeds1', '--json').stdout)
        check([p['seeds'] for p in weights['plan']] == [1], 'one seed plans for one seed')
    else:  # on this machine this training found nothing
        errors = cawe('plan', 'power', 'seeds1', '--json', code=3).stderr
        check('do not vary' in errors, 'comparisons that do not vary plan nothing')
    for args, code, words in ((('nowhere',), 3, 'nowhere'), (('five', '--row', 'retinanet/cawe'), 2, 'retinanet/clahe'),
                              (('five/results.csv',), 3, 'kind'), (('data',), 3, 'has no methods.csv'), (('five', '--effect', '0'), 2, '--effect'),
                              (('five', '--seeds', '5,1'), 2, 'takes a study of one seed'), (('seeds1', '--seeds', '5'), 2, 'takes a study of several')):
        errors = cawe('plan', 'power', *args, code=code).stderr
        assert words in errors and errors.startswith('cawe: error: ') and errors.count('\n') == 1, (args, errors)
    good = (WORK / 'five/methods.csv').read_text().split('\n')
    header, cells = good[0].split(','), good[2].split(',')
    for column, value in (('seeds', '2.5'), ('seeds', '-3'), ('units', '1'), ('lesions', '-1'), ('family', '0'), ('var_seeds', '-1'),
                          ('var_patients', ''), ('units', 'many'), ('units', '7'),
                          ('split_unit', 'foo')):
        bad = list(cells)
        bad[header.index(column)] = value
        (WORK / 'bad.csv').write_text('\n'.join(good[:2] + [','.join(bad)] + good[3:]))
        errors = cawe('plan', 'power', 'bad.csv', code=3).stderr
        assert 'bad.csv: line ' in errors and errors.count('\n') == 1, (column, value, errors)
    check(True, 'plan power: what is missing or wrong is one line')


def stable_verdicts():
    """The script that judges a study again under other draws: the study's own seed gives its own verdicts, and the study stays as it is."""
    def said(*args):
        return subprocess.run([str(ROOT / 'scripts/stable-verdicts'), *args], cwd=WORK, env=dict(os.environ, CAWE=PROGRAM), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    before = tree('five')
    done = said('study.toml', 'five', '--seeds', '0,3')
    methods = [r for r in table('five/methods.csv') if r['verdict']]
    lines = done.stdout.splitlines()
    assert len(lines) == len(methods) + 1 and tree('five') == before, (done.stdout, done.stderr)
    changing, p_of_3 = 0, []
    for row, line in zip(methods, lines):
        name, verdict, word, p, other = line.split()
        assert name == 'retinanet/' + row['enhancement'] and word == 'p' and verdict.split('/')[0] == row['verdict'], (row, line)
        assert near(p, float(row['p_holm'] or row['p']), 5.1e-5), (row, line)
        changing += '/' in verdict
        p_of_3.append((float(p), float(other)))
    assert lines[-1].startswith('%d of %d verdicts are the same' % (len(methods) - changing, len(methods))), lines
    assert done.returncode == (1 if changing else 0), done
    assert any(p != other for p, other in p_of_3) or all(float(r['var_patients']) == 0 for r in methods), 'other draws, other p'
    assert said('study.toml', 'nowhere').returncode == 2 and said('study.toml', 'five', '--seeds', 'x').returncode == 2
    check(True, 'verdicts under other draws')


cawe('phantom', '--out', 'data', '--images', 60, '--size', 48, '--format', 'png', '--seed', 5)
(WORK / 'detector.toml').write_text(DETECTOR)
(WORK / 'study.toml').write_text(STUDY)
cawe('study', 'study.toml', '--out', 'five', '--quiet')
five_seeds()
other_numbers_of_seeds()
plan()
stable_verdicts()

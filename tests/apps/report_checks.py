# SPDX-License-Identifier: Apache-2.0
"""What a study's report and tables say, counted again from the data, the split, the detections and the probabilities: for
whole_line.py and study_checks.py, which run the studies."""
import csv
import hashlib
import html
import json
import re
import shlex
import shutil

from common import PROGRAM, WORK, check


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
    facts = {html.unescape(n): html.unescape(v) for n, v in re.findall(r'<dt>([a-z_.0-9-]+)</dt><dd>([^<]*)</dd>', page)}
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


def check_fallbacks(page, study, test, threshold=0.5):
    """On which films no class is active, by the probabilities beside it; and the words of the report, the viewer and figure 2."""
    films = {}
    for r in table_of(study + '/map_classes.csv'):
        films.setdefault(r['image'], []).append(r)
    assert sorted(films) == sorted(test)
    boxes = {r['patientId'] for r in table_of('data/stage_2_train_labels.csv') if r['Target'] == '1'}
    counts = {'with a lesion': [0, 0], 'without a lesion': [0, 0], 'all': [0, 0]}
    for image, rows in films.items():
        fallback = rows[0]['map_of'] == 'fallback'
        assert all((float(r['sigma']) < threshold) == fallback for r in rows) and (len(rows) == 1 or not fallback), rows
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
    return len(active)


def check_map_finding(page, study):
    """The sentence on whether the map finds lesions says the shares and the verdict of results.json and of its table."""
    known = json.loads((WORK / study / 'results.json').read_text())['map']
    text = html.unescape(re.sub('<[^>]+>', '', page))
    said = re.search(r'The attention map points into a lesion on (\d+) % of (\d+) films? with lesions, the maps of other patients on (\d+) %, '
                     r'the centre on (\d+) %: (.*)', text)
    for share, key in ((said.group(1), 'pointing'), (said.group(3), 'pointing_shuffled'), (said.group(4), 'pointing_centre')):
        assert abs(int(share) - 100 * known[key]) < 0.5001, (said.group(0), known)
    assert said.group(5).startswith(known['verdict']), (said.group(0), known)
    cells = shown_table(page, 'Does the map find the lesions?')[0]
    assert cells[:2] == ['all', said.group(2)] and cells[2].startswith('%.3f [' % known['pointing']), cells
    assert known['verdict'].startswith(cells[-1]), (cells, known)


def check_figure_1(page, study, test, least_iou=0.5):
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
    for r in table_of(study + '/rows/retinanet-cawe-0/detections.csv'):
        x, y, w, h = (float(r[k]) for k in ('x', 'y', 'width', 'height'))
        if r['image'] in lesions and float(r['score']) > surest.get(r['image'], (0,))[0]:
            surest[r['image']] = (float(r['score']), (x, y, x + w, y + h))
    right = {i: s for i, (s, box) in surest.items() if max(iou(box, lesion) for lesion in lesions[i]) >= least_iou}
    shown = list(dict.fromkeys(r['image'] for r in table_of(study + '/figures/figure1.csv')))
    if right:
        best = max(right, key=right.get)
        assert best == shown[-1] and '(%.2f)' % right[best] in caption, (best, shown, caption)
    else:
        assert len(shown) == 1 and 'on none of them the surest box finds a lesion' in caption, caption
    check(shown[0] in lesions, 'figure 1: a film at random, and %s' % ('the best one' if right else 'none is right'))
    return len(right)


def check_films_flow(page, rows):
    """Films, persons and lesions of each fold, counted again from the split, the boxes and the table of persons."""
    counted, boxes = {}, {}
    for r in table_of('data/stage_2_train_labels.csv'):
        boxes[r['patientId']] = boxes.get(r['patientId'], 0) + int(r['Target'])
    about = {re.sub(r'\.\w+$', '', r['image']): r for r in table_of('data/metadata.csv')}
    for r in rows:
        for fold in (r['fold'], 'all'):
            counted.setdefault(fold, []).append(r)
    shown = {r[0]: r for r in shown_table(page, 'Films of each fold')}
    assert set(shown) == set(counted), shown
    assert page.count('Detectors train on train, val.') == 2, 'below the table and below the drawing'
    flow = table_of('study/films_flow.csv')
    for fold, films in counted.items():
        lesions = sum(boxes[r['image']] for r in films)
        sick = sum(boxes[r['image']] > 0 for r in films)
        persons = len({r['patient'] for r in films})
        assert shown[fold][1:8] == [str(v) for v in (len(films), 0, len(films), sick, len(films) - sick, lesions, persons)], shown[fold]
        used = [r for r in flow if (r['stage'], r['fold'], r['attribute']) == ('used', fold, '')]
        assert [(r['films'], r['units'], r['lesions']) for r in used] == [(str(len(films)), str(persons), str(lesions))], used
        for attribute in ('sex', 'view', 'age'):
            assert sum(int(r['films']) for r in flow if (r['stage'], r['fold'], r['attribute']) == ('used', fold, attribute)) == len(films)
        for sex in {about[r['image']].get('sex', '') for r in films} - {''}:
            n = sum(about[r['image']].get('sex', '') == sex for r in films)
            assert '%s %d' % (sex, n) in shown[fold][8], (shown[fold], sex, n)
    check(len(shown) == 4, 'film flow: %s' % {fold: len(films) for fold, films in counted.items()})


def spoil_two_films(rows):
    """A copy of the data in which a film cannot be read and nobody has looked for boxes on another, both of one fold's persons
    who have more films like these: the split stays as it is."""
    shutil.copytree(WORK / 'data', WORK / 'spoilt')
    labels = WORK / 'spoilt/stage_2_train_labels.csv'
    lines = labels.read_text().splitlines(True)
    sick = {line.split(',')[0] for line in lines[1:] if line.split(',')[5].strip() == '1'}
    alike = {}
    for r in rows:
        if r['fold'] == 'train':
            alike.setdefault((r['patient'], r['image'] in sick), []).append(r['image'])
    broken, unseen = [images[0] for images in alike.values() if len(images) > 1][:2]
    (WORK / 'spoilt/images' / (broken + '.dcm')).write_bytes(b'no film')
    labels.write_text(''.join(line for line in lines if line.split(',')[0] != unseen))
    # Who they are of: some do not say it.
    table = (WORK / 'spoilt/metadata.csv').read_text().splitlines()
    said = lambda i: ['F,%d' % (20 + i), 'M,%d' % (20 + i), ','][i % 3]
    (WORK / 'spoilt/metadata.csv').write_text(''.join('%s,%s\n' % (line, 'sex,age' if i == 0 else said(i)) for i, line in enumerate(table)))


def check_spoilt_films(page):
    """What became of them in table, file and drawing."""
    flow = table_of('other/films_flow.csv')
    of = lambda stage: [(r['fold'], r['films']) for r in flow if r['stage'] == stage and not r['attribute']]
    assert of('found') == [('all', '80')] and of('not annotated') == [('train', '1'), ('val', '0'), ('test', '0'), ('all', '1')], flow
    rejected = [r for r in flow if r['stage'] == 'rejected']
    assert len(rejected) == 1 and rejected[0]['films'] == '1' and rejected[0]['value'], rejected
    assert '80 films found, 1 rejected (%s 1).' % rejected[0]['attribute'] in html.unescape(page)
    last = [r for r in shown_table(page, 'Films of each fold') if r[0] == 'all'][0]
    assert last[1:4] == ['79', '1', '78'], last
    who = {re.sub(r'\.\w+$', '', r['image']): r for r in table_of('spoilt/metadata.csv')}
    for fold, cells in ((r[0], r) for r in shown_table(page, 'Films of each fold')):
        split = [r for r in table_of('other/rows/retinanet-none-0/split.csv') if fold in (r['fold'], 'all')]
        annotated = {r['patientId'] for r in table_of('spoilt/stage_2_train_labels.csv')}
        films = [who[r['image']] for r in split if r['image'] in annotated]
        sexes = [sum(r['sex'] == sex for r in films) for sex in ('F', 'M', '')]
        ages = sorted(int(r['age']) for r in films if r['age'])
        median = (ages[(len(ages) - 1) // 2] + ages[len(ages) // 2]) / 2
        words = ', '.join('%s %d' % (name, n) for name, n in zip(('F', 'M', 'not stated'), sexes) if n)
        assert cells[8] == words, (cells, sexes)
        assert cells[9] == 'median %g (%d to %d)' % (median, ages[0], ages[-1]) + (
            ', not stated %d' % sexes[2] if sexes[2] else ''), (cells, ages)
    assert 'Sensitivity of RetinaNet, plain within parts of the test set' in page, 'a row has one name in all tables'
    drawn = {(r['stage'], r['name']): r['films'] for r in table_of('other/figures/flow.csv')}
    check((drawn['found', ''], drawn['rejected', rejected[0]['attribute']], drawn['not annotated', '']) == ('80', '1', '1'),
          'film flow: a film that cannot be read, and one without box annotation')


def check_further(study, enhancements):
    """further.csv of a study with two seeds is what its evaluations say, and the page has the table."""
    given = {(r['enhancement'], r['figure']): r for r in table_of(study + '/further.csv')}
    results = json.loads((WORK / study / 'results.json').read_text())['rows']
    assert [r['enhancement'] for r in results] == enhancements and len(given) == 10 * len(results), given.keys()
    paths = {'wafroc': ('afroc', 'wafroc', 'value'), 'jafroc': ('afroc', 'jafroc', 'value'), 'froc_area_4': ('froc_area', '4', 'value'),
             'lroc_area': ('lroc', 'area', 'value'), 'mean_sens': ('sens_mean_1_2_3_4', 'value'),
             'mean_sens_lenient': ('sens_lenient', 'sens_mean_1_2_3_4', 'value'), 'ece': ('calibration', 'equal_width', 'ece', 'value')}
    for row in results:
        for figure, path in paths.items():
            values = list(row['evaluations'])
            for key in path:
                values = [v[key] for v in values]
            mine = given[row['enhancement'], figure]
            assert int(mine['undefined_seeds']) == values.count(None), mine
            if None in values:
                assert mine['value'] == mine['sd_seeds'] == mine['ci_low'] == '', mine
                continue
            assert abs(float(mine['value']) - sum(values) / 2) < 1e-12, (mine, values)
            assert abs(float(mine['sd_seeds']) - abs(values[0] - values[1]) / 2 ** 0.5) < 1e-9, (mine, values)
            if mine['ci_low']:
                assert float(mine['ci_low']) <= float(mine['value']) <= float(mine['ci_high']), mine
    # Of the mean of Sens@1 … 4 the mixed model's interval stands in methods.csv, too.
    known = [line for line in table_of(study + '/methods.csv') if line['enhancement'] in enhancements and line['low']]
    assert known, study
    for line in known:
        mine = given[line['enhancement'], 'mean_sens']
        assert abs(float(mine['ci_low']) - float(line['low'])) < 1e-12, (mine, line)
        assert abs(float(mine['ci_high']) - float(line['high'])) < 1e-12, (mine, line)
        assert mine['by_seed'] == line['by_seed'], (mine, line)
        for own, method in (('delta', 'delta'), ('delta_low', 'delta_low'), ('delta_high', 'delta_high')):
            assert (mine[own] == '') == (line[method] == '') and (mine[own] == '' or abs(float(mine[own]) - float(line[method])) < 1e-12), (mine, line)
    assert 'More figures of the same detections' in (WORK / study / 'report.html').read_text()


def check_figure_5(study, titles):
    """A panel with bins for each title, in the page and in its table."""
    page = (WORK / study / 'report.html').read_text()
    assert [r['title'] for r in table_of(study + '/figures/figure5.csv')][0] == titles[0]
    assert {r['title'] for r in table_of(study + '/figures/figure5.csv')} == set(titles)
    assert all('>%s</text>' % title in page for title in titles), titles


def check_groups(study, attribute, expected):
    """lesions_by.csv has every lesion once in its third and once in its finding, for each row that is shown by groups."""
    rows = table_of(study + '/lesions_by.csv')
    lesions = int(table_of(study + '/results.csv')[0]['lesions'])
    for enhancement in {r['enhancement'] for r in rows}:
        mine = [r for r in rows if r['enhancement'] == enhancement]
        thirds = [int(r['lesions']) for r in mine if r['attribute'] == 'lesion size']
        assert len(thirds) == 3 and sum(thirds) == lesions, (thirds, lesions)
        assert {r['group']: int(r['lesions']) for r in mine if r['attribute'] == attribute} == expected, (mine, expected)
        for r in mine:
            sens = [float(r['sens@%d' % n]) for n in (1, 2, 3, 4)] if r['sens@1'] else []
            assert bool(sens) == (int(r['lesions']) > 0) and (not sens or abs(sum(sens) / 4 - float(r['mean_sens'])) < 1e-12), r
    page = (WORK / study / 'report.html').read_text()
    for group, n in expected.items():
        assert '<th scope="row">%s: %s</th><td>%d</td>' % (attribute, group, n) in page, group

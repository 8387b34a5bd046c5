# SPDX-License-Identifier: Apache-2.0
"""What a study's report and tables say, against its runs' own results and the data's files.

usage: python3 tests/apps/study_report.py build/release/cawe
"""
import html
import json
import random
import re
import struct
import zlib

from common import ROOT, WORK, cawe, sets
from report_checks import check_figure_5, check_further, check_groups, check_map_finding, shown_table, table_of
from small_study import CLASSIFIER, DATA, DETECTOR, make, rows_of, study


def data_in(page):
    """What the page's script reads, element by element."""
    return [json.loads(text) for text in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.S)]


def caption_of(page, figure):
    return html.unescape(re.search('<h3>%s.*?<figcaption><p>(.*?)</p>' % figure, page, re.S).group(1))


def caption_of_table(page, title):
    return html.unescape(re.search('<h2>%s</h2><p class="lead">(.*?)</p>' % re.escape(title), page, re.S).group(1))


def forms_in_the_viewer():
    """A map in another form than the product is a finished picture of the viewer, and the product one that its slider fuses."""
    study('forms', *sets('rows=["none", "cawe", "cawe-lift", "cawe-channel"]', 'seeds=[0]'))
    page = (WORK / 'forms/report.html').read_text()
    data = data_in(page)
    pictures = next(d for d in data if 'pictures' in d)['pictures']
    assert sorted((p['name'], p['fused']) for p in pictures) == [('CAWE', True), ('CAWE as a channel', False),
                                                                 ('CAWE lift', False), ('Grey', False)], pictures
    # The row whose detector saw a picture is found by the picture's key.
    rows = next(d for d in data if 'rows' in d)['rows']
    assert {r['key'] for r in rows} == {p['key'] for p in pictures}, (rows, pictures)
    check_map_finding(page, 'forms')
    names = [cells[0] for cells in shown_table(page, 'Lesions that the map leaves dark')]
    assert names == ['RetinaNet, plain', 'RetinaNet, CAWE', 'RetinaNet, CAWE lift', 'RetinaNet, CAWE as a channel'], names
    assert 'enhancement CAWE. (a)' in caption_of(page, 'Figure 3')
    print('ok  each form of the map in the viewer', flush=True)


def form_alone():
    """Without a row of the product no detector's picture is one: figures and viewer show the form that a detector saw."""
    study('lift_alone', *sets('rows=["none", "cawe-lift"]', 'seeds=[0]', 'again=true'))
    page = (WORK / 'lift_alone/report.html').read_text()
    data = data_in(page)
    pictures = next(d for d in data if 'pictures' in d)['pictures']
    assert [(p['name'], p['fused']) for p in pictures] == [('Grey', False), ('CAWE lift', False), ('Grey with map', True)], pictures
    keys = [r['key'] for r in next(d for d in data if 'rows' in d)['rows']]
    assert len(keys) == 3 and keys.count(pictures[0]['key']) == 2 and pictures[2]['key'] not in keys, 'plain and plain again see the grey film: %s' % keys
    caption = caption_of(page, 'Figure 1')
    assert 'the detector gets I + (1 − α) L I (1 − I), here with α = 0.5' in caption, caption
    assert '<h3>Figure 3' in page and 'I (α + (1 − α) L)' not in caption, caption
    study('map of others', *sets('rows=["none"]', 'controls=["shuffled"]', 'seeds=[0]'))
    page = (WORK / 'map of others/report.html').read_text()
    assert '<h3>Figure 1' not in page and '<h3>Figure 2' in page, 'no detector sees its film\'s map: there is no pipeline to draw'
    print('ok  one form alone: pictures and figures are of it', flush=True)


def fixed_thresholds():
    """What a detector finds at the threshold that it fixed on validation films stands in the study, as in the run."""
    split = '"data.val=0.3", "data.test=0.3"'
    study('threshold', *sets('rows=["none"]', 'seeds=[0, 1]', 'set=[%s, "detect.score_threshold=0.0001"]' % split))
    expected = {'sens_at_threshold': [], 'fp_at_threshold': []}
    for seed in (0, 1):
        at = json.loads((WORK / ('threshold/rows/retinanet-none-%d/results.json' % seed)).read_text())['at_threshold']
        assert at['threshold'] is not None and at['threshold'] > 0 and 'validation films' in at['chosen'], at
        expected['sens_at_threshold'].append(at['sensitivity']['value'])
        expected['fp_at_threshold'].append(at['fp_per_image']['value'])
    lines = {r['figure']: r for r in rows_of(WORK / 'threshold/further.csv')}
    for figure, values in expected.items():
        assert abs(float(lines[figure]['value']) - sum(values) / 2) < 1e-9, (figure, lines[figure], values)
    page = (WORK / 'threshold/report.html').read_text()
    assert 'sens. at fixed threshold' in page and 'FP per image there' in page
    of_study = json.loads((WORK / 'threshold/results.json').read_text())['rows'][0]['evaluations']
    assert [e['at_threshold']['sensitivity']['value'] for e in of_study] == expected['sens_at_threshold']
    # A run that lost its results is named, in one line.
    (WORK / 'threshold/rows/retinanet-none-1/results.json').unlink()
    errors = study('threshold', '--resume', *sets('rows=["none"]', 'seeds=[0, 1]', 'set=[%s, "detect.score_threshold=0.0001"]' % split),
                   code=1).stderr
    assert 'threshold/rows/retinanet-none-1/results.json: ' in errors, errors
    print('ok  a threshold fixed on validation films', flush=True)


def further_figures():
    """Further figures against each evaluation's own, lesions by size and finding against the data's files, figure 5."""
    study('further', *sets('seeds=[0,1]', 'classifier_set=["data.test_folds=test","data.test=0.8"]', 'set=["data.test=0.8"]'))
    check_further('further', ['none', 'cawe'])
    check_figure_5('further', ['RetinaNet, plain, seed 0', 'classifier, nodule', 'classifier, consolidation'])
    # The findings of films, from the data's own tables.
    test = {r['image'] for r in rows_of(WORK / 'further/rows/retinanet-none-0/split.csv') if r['fold'] == 'test'}
    boxes, expected = rows_of(WORK / 'data/stage_2_train_labels.csv'), {}
    for film in rows_of(WORK / 'data/metadata.csv'):
        name = film['image'].rsplit('.', 1)[0]
        labels = [k for k in ('nodule', 'consolidation') if film[k] == '1']
        n = sum(b['patientId'] == name and b['Target'] == '1' for b in boxes)
        if name in test and labels and n > 0:
            finding = labels[0] if len(labels) == 1 else 'several labels'
            expected[finding] = expected.get(finding, 0) + n
    assert len(expected) == 3, 'the phantoms have all kinds of films'
    check_groups('further', 'finding of the film', expected)
    # Boxes with classes of their own.
    coco = json.loads((WORK / 'data/coco.json').read_text())
    (WORK / 'coco.toml').write_text(DETECTOR.replace('boxes = "stage_2_train_labels.csv"', 'format = "coco"').replace(
        'labels_csv = "metadata.csv"\n', '').replace('label_columns = ["nodule", "consolidation"]\n', '').replace(
                'split = "patient"', 'split_unit = "image"'))
    study('coco', *sets('retinanet=coco.toml', 'rows=[none]'))
    test = {r['image'] for r in rows_of(WORK / 'coco/rows/retinanet-none-0/split.csv') if r['fold'] == 'test'}
    names = {c['id']: c['name'] for c in coco['categories']}
    films = {i['id']: i['file_name'].rsplit('/', 1)[-1].rsplit('.', 1)[0] for i in coco['images']}
    expected = {name: 0 for name in names.values()}
    for a in coco['annotations']:
        expected[names[a['category_id']]] += films[a['image_id']] in test
    assert min(expected.values()) > 0, expected
    check_groups('coco', 'finding', expected)
    print('ok  further figures, lesions by size and finding, figure 5', flush=True)


def colour_before_fusion():
    """A study that fuses coloured films alone shows them before fusion, too: in figure 1, and in the viewer, whose slider fuses."""
    cawe('phantom', '--kind', 'scenes', '--out', 'scenes', '--images', 12, '--size', 64)
    demo = ROOT / 'recipes/demo'
    small = ['data.root=scenes', 'data.test=0.5', 'model.width=8']
    cawe('train', demo / 'colorizer_pretrain.toml', '--out', 'scene', '--quiet', *sets(small, 'train.steps=1', 'train.batch=4'))
    phases = ['phase.%s.%s' % (phase, key) for phase in ('frozen', 'all', 'critic', 'gan') for key in ('steps=1', 'batch=2')]
    cawe('train', demo / 'colorizer.toml', '--out', 'colorizer', '--quiet',
         *sets(small, phases, 'init=scene', 'gan.phi_init=scene', 'gan.phi_width=8', 'gan.critic_width=8'))
    study('coloured', *sets('rows=["none", "color+cawe"]', 'seeds=[0]', 'colorizer=colorizer'))
    page = (WORK / 'coloured/report.html').read_text()
    caption = caption_of(page, 'Figure 1')
    assert 'a colorizer that never saw a medical image gives the picture I; the detector gets I (α + (1 − α) L)' in caption, caption
    stages = [r['operation'] for r in table_of('coloured/figures/figure1.csv') if r['operation']]
    assert 'colorizer (Eq. 3-6)' in stages, stages
    assert 'the film itself' not in (WORK / 'coloured/figures/figure1.svg').read_text()
    pictures = next(d for d in data_in(page) if 'pictures' in d)['pictures']
    assert [(p['name'], p['fused']) for p in pictures] == [('Grey', False), ('Color + CAWE', True)], pictures
    assert 'enhancement Color + CAWE. (a)' in caption_of(page, 'Figure 3')
    print('ok  coloured films before fusion', flush=True)


def noise_films(folder, margin):
    """24 films of noise of 32 x 32 pixels, between margins of so many rows of other noise, and recipes for them."""
    chunk = lambda kind, body: struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))
    labels, boxes = 'image,patient,nodule,consolidation\n', 'patientId,x,y,width,height,Target\n'
    (WORK / folder / 'images').mkdir(parents=True)
    for i in range(24):
        row = lambda source: b'\0' + bytes(source.randrange(256) for _ in range(32))
        film, around = random.Random(i), random.Random(100 + i)
        middle = [row(film) for _ in range(32)]
        rows = [row(around) for _ in range(margin)] + middle + [row(around) for _ in range(margin)]
        (WORK / folder / 'images' / ('f%d.png' % i)).write_bytes(
            b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 32, len(rows), 8, 0, 0, 0, 0)) +
            chunk(b'IDAT', zlib.compress(b''.join(rows))) + chunk(b'IEND', b''))
        labels += 'f%d.png,person %d,%d,%d\n' % (i, i, i % 2, i % 3 == 0)
        boxes += 'f%d,%d,%d,9,8,1\n' % (i, 2 + i % 19, 3 + i % 20 + margin) if i % 2 else 'f%d,,,,,0\n' % i
    (WORK / folder / 'metadata.csv').write_text(labels)
    (WORK / folder / 'stage_2_train_labels.csv').write_text(boxes)
    fit = '[image]\nfit = "crop"' if margin else '[image]'
    for name, recipe in (('detector', DETECTOR), ('classifier', CLASSIFIER)):
        (WORK / ('%s-%s.toml' % (folder, name))).write_text(recipe.replace('"data"', '"%s"' % folder).replace('[image]', fit))


def alike(mine, other):
    """Tables, lists and numbers, these but for rounding."""
    if isinstance(mine, dict):
        return mine.keys() == other.keys() and all(alike(mine[k], other[k]) for k in mine)
    if isinstance(mine, list):
        return len(mine) == len(other) and all(alike(a, b) for a, b in zip(mine, other))
    try:
        return mine == other or abs(float(mine) - float(other)) < 2e-3
    except (TypeError, ValueError):
        return False


def cropped_films():
    """What image.fit = "crop" cuts off changes nothing that is said or drawn of maps: they see the same as without it."""
    for folder, margin in (('square', 0), ('tall', 8)):
        noise_films(folder, margin)
        study(folder + '-study', *sets('retinanet=%s-detector.toml' % folder, 'classifier=%s-classifier.toml' % folder, 'seeds=[0]',
                                       'panels=6', 'froc.iou=0.001'))
    map_of = lambda folder: json.loads((WORK / folder / 'results.json').read_text())['map']
    assert map_of('tall-study') == map_of('square-study'), (map_of('tall-study'), map_of('square-study'))
    for name in ('lesions_by_map.csv', 'figures/figure1.csv', 'figures/figure2.csv'):
        assert alike(table_of('tall-study/' + name), table_of('square-study/' + name)), name
    assert any(r['name'] == 'right' for r in table_of('tall-study/figures/figure1.csv')), 'nothing was found: the test says little'
    tall, square = (data_in((WORK / folder / 'report.html').read_text()) for folder in ('tall-study', 'square-study'))
    panels = lambda data: [d for d in data if 'truth' in d] + [next(d for d in data if 'panels' in d)['panels']]
    assert alike(panels(tall), panels(square)) and sum(len(p['truth']) for p in panels(tall)[:-1]) > 1
    print('ok  maps of cropped films', flush=True)


def one_person_with_lesions():
    """Without another person's map there is no verdict on the map: not in the finding, its table, the rows or the files."""
    whole = 'stratify=false'  # boxes of a table decide no split
    keys = lambda boxes: sets(*('%s=["data.%s", "data.boxes=%s"]' % (s, whole, boxes) for s in ('set', 'classifier_set')), 'seeds=[0]')
    study('split', *keys('stage_2_train_labels.csv'), *sets('rows=["none"]'))
    test = {r['image']: r['patient'] for r in rows_of(WORK / 'split/rows/retinanet-none-0/split.csv') if r['fold'] == 'test'}
    header, *lines = (WORK / 'data/stage_2_train_labels.csv').read_text().splitlines()
    sick = [line for line in lines if line.split(',')[0] in test and line.endswith(',1')]
    one = sick[0].split(',')[0]
    kept, seen = [header], set()
    for line in lines:
        name = line.split(',')[0]
        if line in sick and line != sick[0]:
            line = name + ',,,,,0'
        if name != one or line == sick[0]:
            kept += [line] if line not in seen else []
            seen.add(line)
    (WORK / 'data/one.csv').write_text('\n'.join(kept) + '\n')
    study('one', *keys('one.csv'))
    known = json.loads((WORK / 'one/results.json').read_text())['map']
    assert known['pointing'] is not None and known['pointing_shuffled'] is None and known['verdict'] is None, known
    page = html.unescape((WORK / 'one/report.html').read_text())
    assert re.search(r'points into a lesion on \d+ % of 1 film with lesions, the maps of other patients on n/a, the centre on \d+ %: '
                     'too few patients with lesions to judge it', page)
    assert 'uninformative map' not in page
    cells = shown_table(page, 'Does the map find the lesions?')[0]
    assert cells[:2] == ['all', '1'] and cells[3] == cells[6] == cells[-1] == '–', cells
    thirds = rows_of(WORK / 'one/lesions_by_map.csv')
    assert [(r['third'], r['lesions'], r['map_up_to'] != '') for r in thirds[:3]] == [
        ('dark', '1', True), ('middle', '0', False), ('bright', '0', False)], thirds
    text = html.unescape(re.search('<h2>Lesions that the map leaves dark</h2>.*?</table>', page, re.S).group(0))
    assert '>middle</th>' in text and '>bright</th>' in text and 'nan' not in text.replace('RetinaNet', ''), text
    print('ok  one person with lesions: no verdict on the map', flush=True)


def few_films_in_folds():
    """Figure 3 is of the films that share a classifier: left out where these are too few, after all training is done."""
    names = [r['image'] for r in rows_of(WORK / 'data/metadata.csv')]
    sick = {line.split(',')[0] for line in (WORK / 'data/stage_2_train_labels.csv').read_text().splitlines() if line.endswith(',1')}
    person = lambda name: name.split('_')[0]
    four = list({person(name): name for name in names if name.rsplit('.', 1)[0] in sick}.values())[:4]
    table = (WORK / 'data/metadata.csv').read_text().splitlines(True)
    (WORK / 'data/four.csv').write_text(table[0] + ''.join(line for line in table[1:] if line.split(',')[0] in four))
    boxes = (WORK / 'data/stage_2_train_labels.csv').read_text().splitlines(True)
    (WORK / 'data/four_boxes.csv').write_text(boxes[0] + ''.join(b for b in boxes[1:] if b.split(',')[0] + '.dcm' in four))
    keys = '["data.labels_csv=four.csv", "data.boxes=four_boxes.csv"]'
    study('four', *sets('set=' + keys, 'classifier_set=' + keys, 'folds=4', 'seeds=[0]'))
    page = (WORK / 'four/report.html').read_text()
    assert '<h3>Figure 2' in page and '<h3>Figure 3' not in page and not (WORK / 'four/figures/figure3.svg').exists()
    study('three', *sets('folds=3', 'seeds=[0]'))
    page = (WORK / 'three/report.html').read_text()
    assert 'CAWE; films of the first fold alone, since each fold has a classifier of its own. (a)' in caption_of(page, 'Figure 3')
    print('ok  figure 3 with a classifier for each fold', flush=True)


def first_seed_on_another_source():
    """The table of another source's films says that it is of one seed of several, and names rows as other tables do."""
    cawe('phantom', '--out', 'away', '--images', 12, '--size', 32, '--seed', 9)
    table = WORK / 'away/metadata.csv'
    table.write_text(table.read_text().replace(',p0', ',away0'))
    (WORK / 'away.toml').write_text(DATA.replace('label_columns = ["nodule", "consolidation"]\n', '').replace(
        'test = 0.3', 'test = 0.9').replace('"data"', '"away"'))
    for name, seeds, words in (('away-one', '[3]', False), ('away-two', '[3, 1]', True)):
        study(name, *sets('extra=away.toml', 'rows=["none"]', 'seeds=' + seeds))
        page = (WORK / name / 'report.html').read_text()
        assert (' Figures are of the first seed alone (3).' in caption_of_table(page, 'With lesion-free films of another source')) == words
        assert [cells[0] for cells in shown_table(page, 'With lesion-free films of another source')] == ['RetinaNet, plain']
        assert re.search(r'\d+ test films, 1 row\b', page), 'one row is no rows'
    print('ok  films of another source: the first seed', flush=True)


def main():
    make()
    forms_in_the_viewer()
    form_alone()
    fixed_thresholds()
    further_figures()
    colour_before_fusion()
    cropped_films()
    one_person_with_lesions()
    few_films_in_folds()
    first_seed_on_another_source()


main()

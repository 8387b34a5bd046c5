# SPDX-License-Identifier: Apache-2.0
"""`cawe data duplicates`: what it finds, whose groups a split deals whole, and that nothing speaks of persons where the
data name none.

usage: python3 tests/apps/duplicates.py build/release/cawe
"""
import csv
import html
import json
import re
import shutil

from common import SMALL_DETECTOR, WORK, cawe, check, errors_of
from films import png, refused, table

RECIPE = '''task = "retinanet"
seed = 0
[data]
root = "chests"
boxes = "stage_2_train_labels.csv"
split = "k_folds"
folds = 3
train_folds = ["0", "1"]
val_folds = []
test_folds = ["2"]
''' + SMALL_DETECTOR + '''anchor_base = 12
anchor_whole = false
[train]
steps = 2
batch = 2
lr = 1e-3
'''


def duplicates(*args, **options):
    return cawe('data', 'duplicates', '--quiet', *args, **options)


def found(*args, **options):
    return json.loads(duplicates('--json', *args, **options).stdout)


def pairs_of(result):
    return {frozenset((p['first'], p['second'])): p for p in result['pairs']}


def finds():
    """Films of one phantom, copies of films in another folder, a film that no decoder reads."""
    cawe('phantom', '--out', 'chests', '--images', 40, '--size', 256, '--seed', 3, '--format', 'png')
    rows = table('chests/metadata.csv')
    person = {r['image'].rsplit('.', 1)[0]: r['patient'] for r in rows}
    result = found('--input', 'chests', '--out', 'groups.csv')
    pairs = pairs_of(result)
    check(len(pairs) >= 3 and all(len({person[f] for f in pair}) == 1 and p['one_person_by_table']
                                  for pair, p in pairs.items()), 'what it finds is of one person')
    check(result['by_table']['found'] == len(pairs) and result['by_table']['found_of_two_persons'] == 0 and
          result['by_table']['pairs_of_one_person'] >= len(pairs), 'and counted against the table')
    groups = table('groups.csv')
    check(len(groups) == result['grouped_films'] and {r['image'] for r in groups} == {f for pair in pairs for f in pair},
          'the groups hold the films of the pairs')
    check(found('--input', 'chests', '--threads', 1) == found('--input', 'chests/metadata.csv', '--threads', 2),
          'one thread or two, the folder or its table')
    first, second = sorted(person)[0], sorted(person)[7]
    for i, film in enumerate((first, second)):
        (WORK / 'other').mkdir(exist_ok=True)
        shutil.copy(WORK / ('chests/images/%s.png' % film), WORK / ('other/copy%d.png' % i))
    result = found('--input', 'chests', 'other')
    copies = {pair: p for pair, p in pairs_of(result).items() if p['sources'] == 'chests/other'}
    check({tuple(sorted(pair)) for pair, p in copies.items() if p['kind'] == 'identical'} ==
          {tuple(sorted((first, 'copy0'))), tuple(sorted((second, 'copy1')))} and result['across_sources'] == len(copies),
          'copies in another folder are identical, and cross sources')
    check(all('one_person_by_table' not in p for p in copies.values()), 'of whom the table of one says nothing')
    said = duplicates('--input', 'chests', 'other').stdout
    check('identical' in said and 'across sources chests/other' in said and 'one person by the table' in said,
          'and the text says so')
    (WORK / 'bad').mkdir()
    shutil.copy(WORK / 'other/copy0.png', WORK / 'bad')
    (WORK / 'bad/x.png').write_bytes((WORK / 'other/copy1.png').read_bytes()[:300])
    done = duplicates('--input', 'bad', code=3)
    check(len(errors_of(done.stderr)) == 1 and 'x.png' in done.stderr and done.stdout.startswith('1 film, 0 pairs: '),
          'a film that cannot be read is named, the others are compared')
    duplicates('--input', 'bad', '--allow-rejects')


def usage():
    refused('nothing to look at', 2, ['--input or --recipe is missing'], 'data', 'duplicates')
    refused('both', 2, ['--input and --recipe'], 'data', 'duplicates', '--input', 'chests', '--recipe', 'r.toml')
    refused('a split beside a recipe', 2, ['--split', 'own split'], 'data', 'duplicates', '--recipe', 'r.toml', '--split',
            'chests/metadata.csv')
    refused('a folder that is not there', 2, ['nowhere', '--input'], 'data', 'duplicates', '--input', 'nowhere')
    refused('a score that every pair has', 2, ['--score'], 'data', 'duplicates', '--input', 'chests', '--score', 0.5)
    (WORK / 'mine.csv').write_text('something,else\n')
    refused('a file of another kind', 2, ['mine.csv', '--out'], 'data', 'duplicates', '--input', 'chests', '--out', 'mine.csv')
    (WORK / 'names.csv').write_text('file,patient\na.png,1\n')
    refused('a table without images', 3, ['names.csv', "'image'"], 'data', 'duplicates', '--input', 'names.csv')
    (WORK / 'split.csv').write_text('image,patient,fold\nx,1,train\n')
    refused('a split of other films', 3, ['split.csv', 'has no row for image'], 'data', 'duplicates', '--input', 'chests',
            '--split', 'split.csv')


def groups():
    """Without persons films are dealt one by one; with the groups, whole; and what is written says which."""
    lines = (WORK / 'chests/metadata.csv').read_text().splitlines()
    column = lines[0].split(',').index('patient')
    for i, line in enumerate(lines[1:], 1):
        cells = line.split(',')
        cells[column] = cells[0].rsplit('.', 1)[0]
        lines[i] = ','.join(cells)
    (WORK / 'chests/metadata.csv').write_text('\n'.join(lines) + '\n')
    (WORK / 'r.toml').write_text(RECIPE)
    result = found('--recipe', 'r.toml')
    check(result['across_folds'] > 0 and 'by_table' not in result, 'a split by images tears bodies apart')
    torn = found('--recipe', 'r.toml', '--set', 'data.groups=groups.csv')
    check(torn['across_folds'] == 0 and pairs_of(torn).keys() == pairs_of(result).keys(), 'with groups none is')

    cawe('train', 'r.toml', '--out', 'alone', '--quiet')
    cawe('train', 'r.toml', '--out', 'grouped', '--quiet', '--set', 'data.groups=groups.csv')
    group = {r['image']: r['group'] for r in table('groups.csv')}
    folds = {}
    for r in table('grouped/split.csv'):
        if r['image'] in group:
            folds.setdefault(group[r['image']], set()).add((r['fold'], r['patient']))
    check(folds and all(len(f) == 1 and next(iter(f))[1].startswith('group:') for f in folds.values()),
          'a run deals each group to one fold, under one name')
    for run, unit in (('alone', 'image'), ('grouped', 'group')):
        results = json.loads((WORK / run / 'results.json').read_text())
        check((results['split_unit'], results['bootstrap']['unit'], results['patients']) == (unit, unit, None),
              'results.json of %s says %s' % (run, unit))
        check('split_unit = "image"' in (WORK / run / 'recipe.toml').read_text(), 'and its recipe image')
        again = json.loads(cawe('evaluate', '--json', '--detections', run + '/detections.csv', '--truth',
                                'chests/stage_2_train_labels.csv').stdout)
        check((again['split_unit'], again['units']) == (unit, results['units']), 'and cawe evaluate knows it by the list of films')
    said = cawe('evaluate', '--detections', 'alone/detections.csv', '--truth', 'chests/stage_2_train_labels.csv').stdout
    check(not re.search('(?i)person|patient', said), 'and does not speak of persons: ' + said[:60])
    weights = max((WORK / 'alone/checkpoints').iterdir())
    first = cawe('inspect', weights).stdout.split('\n')[0]
    check(re.search(r'trained on \d+ images$', first), 'nor does inspect: ' + first[-40:])
    said = cawe('train', 'r.toml', '--out', 'file', '--set', 'data.groups=groups.csv', '--set', 'data.split=file', '--set',
                'data.split_file=../alone/split.csv', '--set', 'data.folds=').stderr
    check('in more than one fold' in said, 'a split file that tears groups is warned of')
    cawe('train', 'r.toml', '--out', 'refused', '--quiet', '--set', 'data.groups=nowhere.csv', code=3)


def report():
    """Every sentence of a study's page, over images and over groups."""
    (WORK / 's.toml').write_text('task = "study"\ntitle = "t"\nseeds = [0]\nretinanet = "r.toml"\nrows = ["none", "clahe"]\n'
                                 'controls = []\npretrained = false\npanels = 2\nboot.draws = 50\n')
    for out, sets, word in (('by_image', [], 'images'), ('by_group', ['--set', 'set=["data.groups=groups.csv"]'], 'groups of films')):
        cawe('study', 's.toml', '--out', out, '--quiet', '--set', 'folds=3', *sets)
        page = (WORK / out / 'report.html').read_text()
        # What the checklists ask is the journals' words, of any study; what the program answers is its own.
        page = re.sub('<td><b>[^<]*</b>: [^<]*</td>', '', page)
        text = html.unescape(re.sub('<[^>]+>', ' ', re.sub('(?s)<script.*?</script>|<style.*?</style>', '', page)))
        text = text.replace('may guide the care of a person', '').replace('data_persons', '')
        named = re.search('(?i).{0,60}(person|patient).{0,60}', text)
        check(not named, 'the page of %s names no persons%s' % (out, ': ' + named.group(0) if named else ''))
        check('intervals over ' + word in text, 'and says intervals are over ' + word)
        with open(WORK / out / 'results.csv') as f:
            rows = list(csv.DictReader(f))
        check({(r['split_unit'], r['patients']) for r in rows} == {(word.split()[0].rstrip('s'), '')}, 'as results.csv does')


finds()
usage()
groups()
report()

# SPDX-License-Identifier: Apache-2.0
"""`cawe data duplicates`: what it finds, whose groups a split deals whole, and that nothing speaks of persons where the
data name none.

usage: python3 tests/apps/duplicates.py build/release/cawe
"""
import csv
import html
import json
import os
import re
import shutil

from common import SMALL_DETECTOR, WORK, cawe, check, errors_of, sets
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


def copy_films(folder, films):
    """Films of chests in another folder, by their names there."""
    (WORK / folder).mkdir(parents=True, exist_ok=True)
    for name, film in films.items():
        shutil.copy(WORK / ('chests/images/%s.png' % film), WORK / folder / (name + '.png'))


def in_any_order():
    """Each film is the first of its pairs under one name and the second under another: nothing else may change."""
    films, results = sorted(r['image'][:-4] for r in table('chests/metadata.csv')), []
    for folder, order in (('forth', films), ('back', films[::-1])):
        copy_films(folder, {'%02d_%s' % (i, film): film for i, film in enumerate(order)})
        results.append({frozenset((p['first'][3:], p['second'][3:])): (p['kind'], p['score'], p['inliers'], p['correlation'])
                        for p in found('--input', folder)['pairs']})
    check(len(results[0]) >= 3 and results[0] == results[1], 'what is found does not depend on the order of the films')


def persons():
    """Whom the table names is known of every film of it, also of one that is called like its person, also in groups."""
    films = sorted(r['image'][:-4] for r in table('chests/metadata.csv'))
    copy_films('own', {'P1': films[0], 'P1_b': films[0], 'q': films[0], 'q2': films[7]})
    (WORK / 'own/metadata.csv').write_text('image,patient\nP1.png,P1\nP1_b.png,P1\nq.png,z\nq2.png,z\n')
    result = found('--input', 'own')
    check(result['by_table'] == {'pairs_of_one_person': 2, 'found': 1, 'found_of_two_persons': 2} and
          {tuple(sorted(pair)): p['one_person_by_table'] for pair, p in pairs_of(result).items()} ==
          {('P1', 'P1_b'): True, ('P1', 'q'): False, ('P1_b', 'q'): False}, 'a film may be called like its person')
    shutil.copy(WORK / 'own/P1.png', WORK / 'own/other.png')
    result = pairs_of(found('--input', 'own', 'own/other.png'))
    check(all(('one_person_by_table' in p) == ('other' not in pair) for pair, p in result.items()) and len(result) == 6,
          'of a film beside the table, in its folder, it says nothing')
    for words in (('P1', 'z'), ('group:P1', 'group:z'), ('else:P1', 'else:z')):
        (WORK / 'folds.csv').write_text('image,patient,fold\nP1.png,{0},train\nP1_b.png,{0},train\nq.png,{1},test\n'
                                        'q2.png,{1},test\n'.format(*words))
        result = found('--input', 'own', '--split', 'folds.csv')
        check(result['across_folds'] == 2 and result['by_table']['found'] == 1, 'folds of a table with persons: ' + words[0])
    (WORK / 'folds.csv').write_text('image,fold\nP1,train\nP1_b,test\nq,test\nq2,test\n')
    refused('folds that tear a person', 3, ['own:P1', 'in more than one fold'], 'data', 'duplicates', '--input', 'own',
            '--split', 'folds.csv')
    (WORK / 'r.toml').write_text(RECIPE)
    known = found('--recipe', 'r.toml')['by_table']
    (WORK / 'two.csv').write_text('image,group\n%s,1\n%s,1\n' % (films[0], films[7]))
    check(known['found'] > 0 and known == found('--recipe', 'r.toml', '--set', 'data.groups=two.csv').get('by_table'),
          'groups of two persons take nothing from what the table says')


def sources():
    """Films by bare names in the current folder; folders that cannot be told apart by their names."""
    copy_films('here', {'a': 'p00000_0', 'b': 'p00000_0'})
    for inputs in (('a.png', 'b.png'), ('./a.png', 'b.png'), ('.',), ('metadata.csv',)):
        if inputs == ('metadata.csv',):
            (WORK / 'here/metadata.csv').write_text('image\na.png\nb.png\n')
        result = found('--input', *inputs, cwd=WORK / 'here')
        check([(p['kind'], p['sources']) for p in result['pairs']] == [('identical', 'here')], 'in this folder: ' + ' '.join(inputs))
    check(found('--input', 'a.png', cwd=WORK / 'here')['films'] == 1, 'one film alone')
    for top in ('x', 'y'):
        copy_films(top + '/B', {top: 'p00000_0'})
    for kind in ('films', 'tables'):
        for inputs in (('../x/B', 'B'), ('B/', '../x/B/'), ('../x/B/x.png', 'B'), ('../x/B', '../y/B/y.png')):
            refused('two folders of one name, %s: %s' % (kind, ' '.join(inputs)), 2, ['are two folders called', "'B'"], 'data',
                    'duplicates', '--input', *inputs, cwd=WORK / 'y')
        for top in ('x', 'y'):
            (WORK / top / 'B/metadata.csv').write_text('image,patient\n%s.png,1\n' % top)
    shutil.copy(WORK / 'x/B/x.png', WORK / 'x/B/more.png')
    result = found('--input', 'x/B', 'x/../x/B/more.png')
    check([p['sources'] for p in result['pairs']] == ['B'], 'one folder by two ways is one')
    os.symlink(WORK / 'y/B', WORK / 'yB')
    result = found('--input', 'x/B', 'yB')
    check([p['sources'] for p in result['pairs']] == ['B/yB'] and 'one_person_by_table' not in result['pairs'][0] and
          result['by_table']['pairs_of_one_person'] == 0, 'under another name person 1 of the one is not that of the other')


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
    refused('a table without images', 3, ['names.csv', "'image'", '--recipe'], 'data', 'duplicates', '--input', 'names.csv')
    (WORK / 'foreign').mkdir()
    (WORK / 'foreign/metadata.csv').write_text('Image Index,Patient ID\na.png,1\n')
    refused('a folder with a table of others', 3, ['foreign/metadata.csv', '--input', '--recipe'], 'data', 'duplicates', '--input',
            'foreign')
    (WORK / 'foreign/metadata.csv').write_text('image\n../bad/x.png\n')
    refused('a table that leads outside', 3, ['outside', 'data.allow_outside', '--recipe'], 'data', 'duplicates', '--input',
            'foreign')
    (WORK / 'foreign/metadata.csv').write_text('image\n')
    refused('a table of nothing', 3, ['no film'], 'data', 'duplicates', '--input', 'foreign')
    (WORK / 'nothing').mkdir()
    (WORK / 'nothing/read.me').write_text('films come later')
    refused('a folder of nothing', 2, ['no image', '1 file that is no film'], 'data', 'duplicates', '--input', 'nothing')
    shutil.copy(WORK / 'bad/copy0.png', WORK / 'nothing')
    said = cawe('data', 'duplicates', '--input', 'nothing').stderr
    check('1 file that is no film left out: 1 of other kinds' in said, 'what is left out is counted')
    check(not duplicates('--input', 'nothing').stderr, 'but with --quiet')
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
    kept()

    cawe('train', 'r.toml', '--out', 'alone', '--quiet')
    cawe('train', 'r.toml', '--out', 'grouped', '--quiet', '--set', 'data.groups=groups.csv')
    group = {r['image']: r['group'] for r in table('groups.csv')}
    folds = {}
    for r in table('grouped/split.csv'):
        if r['image'] in group:
            folds.setdefault(group[r['image']], set()).add((r['fold'], r['patient']))
    check(folds and all(len(f) == 1 and next(iter(f))[1].startswith('group:') for f in folds.values()),
          'a run deals each group to one fold, under one name')
    cawe('train', 'grouped/recipe.toml', '--out', 'grouped_again', '--quiet')
    check(table('grouped_again/split.csv') == table('grouped/split.csv'), 'and so does the recipe that it leaves')
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


def kept():
    """--out takes the place of nothing that the recipe's data are read from."""
    rows = table('chests/metadata.csv')
    (WORK / 'chests/labels.csv').write_text('image,group\n' + ''.join('%s,%s\n' % (r['image'], r['patient']) for r in rows))
    shutil.copy(WORK / 'groups.csv', WORK / 'chests/below.csv')
    os.link(WORK / 'groups.csv', WORK / 'linked.csv')
    for out, read in (('groups.csv', ['data.groups=groups.csv']), ('linked.csv', ['data.groups=groups.csv']),
                      ('chests/below.csv', ['data.groups=below.csv']),
                      ('chests/labels.csv', ['data.labels_csv=labels.csv', 'data.patient_column=group'])):
        before = (WORK / out).read_bytes()
        refused('%s is read by %s' % (out, read[0]), 2, [out, 'which this command reads'], 'data', 'duplicates', '--recipe', 'r.toml',
                '--out', out, *sets(*read))
        check((WORK / out).read_bytes() == before, 'and is as it was')
    duplicates('--recipe', 'r.toml', '--out', 'chests/below.csv')


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
in_any_order()
persons()
sources()
usage()
groups()
report()

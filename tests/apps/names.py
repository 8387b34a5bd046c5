# SPDX-License-Identifier: Apache-2.0
"""Films and their names: ids that tell films apart, lists of films that were looked at, names with blanks, with escapes,
of any bytes and of any length.

usage: python3 tests/apps/names.py build/release/cawe
"""
import json
import os
import shutil

from common import WORK, cawe, check
from films import detect, enhance, make_run, png, refused, table


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
    refused('a table of boxes as the list', 3, ['h.csv: has a column x', 'a list of films: one row for each film'],
            'evaluate', '--detections', 'h.csv', '--truth', 'all.csv', '--films', 'h.csv')
    (WORK / 'some.csv').write_text('\n'.join(line for line in truth.splitlines()
                                             if not line.startswith(tested[2] + ',')) + '\n')
    refused('a film without truth', 3, ['list.csv', tested[2], 'no truth'], 'evaluate', '--detections', 'h.csv',
            '--truth', 'some.csv', '--films', 'list.csv')
    done = json.loads(cawe('evaluate', '--detections', 'run/detections.csv', '--truth', 'all.csv', '--draws', 5,
                           '--json').stdout)
    check(done['images'] == len(of_run) and done['patients_known'],
          "a run's own detections have their list, with persons")


def numbers():
    """Films called by numbers in a COCO truth that gives them other numbers as ids: 1 is 1.png, never the first of them."""
    images = [{'id': i + 1, 'file_name': '%d.png' % (2 * i + 2), 'width': 64, 'height': 64} for i in range(3)]
    lesions = [{'id': i, 'image_id': i, 'category_id': 1, 'bbox': [10, 10, 20, 20]} for i in (1, 2, 3)]
    (WORK / 'num_gt.json').write_text(json.dumps({'images': images, 'annotations': lesions,
                                                  'categories': [{'id': 1, 'name': 'lesion'}]}))
    judged = ['--truth', 'num_gt.json', '--draws', 5]
    (WORK / 'num.csv').write_text('image,x,y,width,height,score\n1,10,10,20,20,0.9\n')
    refused('a detection on a film that has no truth', 3, ["num.csv: line 2: image '1' is not in the truth"], 'evaluate',
            '--detections', 'num.csv', *judged)
    (WORK / 'num.films.csv').write_text('image\n1\n')
    refused('a film of the list without truth', 3, ["num.films.csv: line 2: film '1' has no truth"], 'evaluate',
            '--detections', 'num.csv', *judged)
    (WORK / 'num_d.json').write_text(json.dumps([{'image_id': 1, 'category_id': 1, 'bbox': [10, 10, 20, 20], 'score': 1}]))
    done = json.loads(cawe('evaluate', '--detections', 'num_d.json', *judged, '--json').stdout)
    check(abs(done['sens']['1']['value'] - 1 / 3) < 1e-12, "an integer of COCO results is an image's id")
    (WORK / 'num_p.csv').write_text('image,patient\n1,A\n2,B\n3,C\n')
    refused('persons of other films', 3, ["num_p.csv: no row for image '4.png'"], 'evaluate', '--detections', 'num_d.json',
            '--patients', 'num_p.csv', *judged)


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
    for films in ('bytes', os.path.join(b'bytes', b'a\xff.png')):
        refused('an id that JSON cannot hold', 2, ['a\\xf', 'not UTF-8', '.csv'], 'detect', '--weights', 'run', '--input',
                films, '--out', 'bytes.json')
    check(not list(WORK.glob('bytes*.json')), 'and nothing is written')
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


make_run()
ids()
looked_at()
numbers()
blanks()
hostile_names()

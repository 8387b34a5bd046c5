# SPDX-License-Identifier: Apache-2.0
"""Every way of reading the classifier's attention in every command that makes maps: enhance, train, detect, study.

usage: python3 tests/apps/attention.py build/release/cawe
"""
import csv
import json
import shutil

from common import ROOT, WORK, cawe, check, errors_of, sets

WAYS = {'cawe': [], 'differentiated': ['cam.closed_form=false'], 'cam': ['cam.method=cam'],
        'gradcam': ['cam.method=gradcam'], 'hirescam': ['cam.method=hirescam'], 'layercam': ['cam.method=layercam']}
SMALL = ['image.size=64', 'model.width=8', 'train.batch=8', 'train.checkpoint_every=100']


def contents(folder):
    return {p.name: p.read_bytes() for p in sorted((WORK / folder).glob('*.png'))}


def films():
    """Maps of a folder on one thread and on two, and of films one by one, are the same bytes; methods differ where they
    must."""
    found = {}
    for way, items in WAYS.items():
        common = ['enhance', '--method', 'cawe', '--classifier', 'cls', '--maps', '--quiet'] + sets(items)
        for threads in (1, 2):
            cawe(*common, '--input', 'test', '--out', '%s_%d' % (way, threads), '--threads', threads)
        found[way] = contents(way + '_1')
        assert len(found[way]) == 2 * len(list((WORK / 'test').iterdir())), way
        assert found[way] == contents(way + '_2'), '%s: other bytes on two threads' % way
        for film in sorted((WORK / 'test').iterdir()):
            cawe(*common, '--input', film, '--out', way + '_alone')
        check(found[way] == contents(way + '_alone'),
              'enhance, %s: the same films on 1 and 2 threads and one by one' % way)
    different = [(a, b) for a in WAYS for b in WAYS if a < b and found[a] != found[b]]
    for a, b in [('cawe', 'gradcam'), ('cawe', 'layercam'), ('gradcam', 'layercam'), ('cam', 'cawe')]:
        assert (a, b) in different or (b, a) in different, '%s and %s make the same films' % (a, b)
    names = set()
    for way, items in WAYS.items():
        cawe('enhance', '--method', 'uniform', '--classifier', 'cls', '--input', sorted((WORK / 'test').iterdir())[0],
             '--out', 'u_' + way, '--format', 'dicom', '--quiet', *sets(items))
        film = next((WORK / ('u_' + way)).glob('*.dcm')).read_bytes()
        at = film.index(b'"mean_of":')
        names.add(film[at:film.index(b'}', at)])
    check(len(names) == len(WAYS), 'a derived film says which of the %d ways made it' % len(WAYS))


def detectors():
    for way, items in WAYS.items():
        run = 'det_' + way
        cawe('train', ROOT / 'recipes/demo/retinanet.toml', '--out', run, '--quiet', '--threads', 2,
             *sets(SMALL + ['data.root="data"', 'model.channels=16', 'train.steps=2', 'enhance.method=cawe',
                            'enhance.classifier=cls', 'data.workers=2'] + items))
        for threads in (1, 2):
            cawe('detect', '--weights', run, '--input', 'test', '--out', '%s_%d.csv' % (run, threads), '--threads',
                 threads, '--threshold', 0, '--quiet')
        one, two = [(WORK / ('%s_%d.csv' % (run, threads))).read_bytes() for threads in (1, 2)]
        check(one == two and one.count(b'\n') > 1, 'train and detect, ' + way)


def drawn():
    """cawe-drawn: a film that a network learns from is fused with an alpha of its own, one that is tested with fuse.alpha,
    whatever is trained."""
    for recipe, more, tested in (('classifier', [], 'results.json'), ('retinanet', ['model.channels=16'], 'detections.csv')):

        def train(out, *items):
            done = cawe('train', ROOT / ('recipes/demo/%s.toml' % recipe), '--out', out, '--json', '--quiet',
                        *sets(SMALL + more + ['data.root="data"', 'train.steps=2', 'enhance.classifier=cls'], items))
            return json.loads(done.stdout)['loss'], (WORK / out / tested).read_bytes()

        def drawn_at(alpha, *items):
            return train('%s_drawn_%g%s' % (recipe, alpha, len(items)), 'enhance.method=cawe-drawn', 'cawe-drawn.low=%g' % alpha,
                         'cawe-drawn.high=%g' % alpha, *items)

        zero, half, one = [drawn_at(alpha) for alpha in (0, .5, 1)]
        assert len({zero[0], half[0], one[0]}) == 3, '%s: %s' % (recipe, (zero[0], half[0], one[0]))
        assert half == train(recipe + '_fused', 'enhance.method=cawe'), '%s: other than fused with 0.5' % recipe
        other = drawn_at(.5, 'fuse.alpha=1')
        check(other[0] == half[0] and other[1] != half[1], 'train %s, cawe-drawn: alpha of training and of tests' % recipe)


def labels_of_the_map():
    """Which labels a map may show: what leaves none is refused before anything is written, and named as it was given; labels
    that are asked for (cam.targets) are shown whatever is excluded."""
    film = sorted((WORK / 'test').iterdir())[0]
    every = 'cam.exclude_labels=["nodule", "consolidation", "infiltrate", "nodule"]'
    enhance = ['enhance', '--method', 'cawe', '--input', film, '--allow-leak', '--out']
    train = ['train', ROOT / 'recipes/demo/retinanet.toml', '--quiet', *sets(
        SMALL, ['data.root="data"', 'model.channels=16', 'train.steps=1', 'enhance.method=cawe', 'allow_leak=true']), '--out']

    def refused(command, out, *words):
        errors = errors_of(cawe(*command[:-1], '--out', out, *words, code=2).stderr)
        assert len(errors) == 1 and not (WORK / out).exists(), errors
        return errors[0]

    by_option, by_key = ['--classifier', 'cls'], sets('enhance.classifier=cls')
    for command, classifier in ((enhance, by_option), (train, by_key)):
        error = refused(command, 'none_left', *classifier, *sets(every))
        assert '--set: cam.exclude_labels holds every label of the classifier' in error, error
    one = 'cam.targets=["nodule"]'
    warned = cawe(*enhance, 'targets', *by_option, *sets(one, every)).stderr
    assert '--set: cam.exclude_labels says nothing: cam.targets is ["nodule"]' in warned, warned
    cawe(*enhance, 'target', *by_option, *sets(one), '--quiet')
    check(contents('targets') == contents('target'), 'labels that are asked for are shown, whatever is excluded')
    # A classifier that knows nothing but "Normal".
    table = (WORK / 'data/metadata.csv').read_text()
    (WORK / 'data/normal.csv').write_text(table.replace('nodule', 'Normal', 1))
    cawe('train', ROOT / 'recipes/demo/classifier.toml', '--out', 'normal', '--quiet', *sets(
        SMALL, ['data.root="data"', 'data.labels_csv=normal.csv', 'data.label_columns=["Normal"]', 'train.steps=1']))
    by_option, by_key = ['--classifier', 'normal'], sets('enhance.classifier=normal')
    for command, classifier in ((enhance, by_option), (train, by_key)):
        error = refused(command, 'no_finding', *classifier)
        assert 'error: normal: no label of the classifier is a finding' in error and '--set' not in error, error
        cawe(*command, 'asked_' + command[0], *classifier, *sets('cam.targets=["Normal"]'))
    assert 'exclude_labels' not in (WORK / 'asked_train/recipe.toml').read_text()
    cawe('detect', '--weights', 'asked_train', '--input', film, '--out', 'asked.csv', '--allow-leak', '--quiet')
    check((WORK / 'asked.csv').exists(), 'a classifier of "Normal" alone serves where that is asked for')


def study():
    text = (ROOT / 'recipes/demo/study.toml').read_text()
    for path in (ROOT / 'recipes/demo').glob('*.toml'):
        text = text.replace('"%s"' % path.name, '"%s"' % path)
    (WORK / 'study.toml').write_text(text)
    quote = lambda items: '[%s]' % ', '.join("'%s'" % i for i in items)
    small = SMALL + ['data.root="data"', 'train.steps=2']
    cawe('study', 'study.toml', '--out', 'study', '--quiet', '--set', 'set=' + quote(small + ['model.channels=16']),
         '--set', 'classifier_set=' + quote(small), '--set', 'rows=["none", "cawe"]', '--set', 'controls=["shuffled"]',
         '--set', 'detectors=["retinanet"]', '--set', 'boot.draws=50', '--set', 'again=false', '--ablate',
         'cam.method=gradcam,hirescam,layercam')
    with open(WORK / 'study/results.csv') as f:
        rows = [r['enhancement'] for r in csv.DictReader(f)]
    check(len(rows) == 6 and all(any(w in r for r in rows) for w in ('gradcam', 'hirescam', 'layercam')),
          'study: %s' % ', '.join(rows))
    for way in ('layercam', 'differentiated'):
        cawe('study', 'study.toml', '--out', 'study_' + way, '--quiet', '--set', 'set=' +
             quote(small + ['model.channels=16'] + WAYS[way]), '--set', 'classifier_set=' + quote(small), '--set',
             'rows=["none", "cawe"]', '--set', 'controls=["shuffled", "uniform"]', '--set', 'detectors=["retinanet"]',
             '--set', 'boot.draws=50', '--set', 'panels=2', '--set', 'again=false')
        check((WORK / ('study_' + way) / 'report.html').exists(),
              'study of %s with its figures, controls and localisation' % way)


cawe('phantom', '--out', 'data', '--images', 60, '--size', 64, '--seed', 2)
cawe('train', ROOT / 'recipes/demo/classifier.toml', '--out', 'cls', '--quiet',
     *sets(SMALL + ['data.root="data"', 'train.steps=10']))
with open(WORK / 'cls/split.csv') as f:
    test = [r['image'] for r in csv.DictReader(f) if r['fold'] == 'test'][:5]
(WORK / 'test').mkdir()
for name in test:
    shutil.copy(WORK / 'data/images' / (name + '.dcm'), WORK / 'test')
films()
detectors()
drawn()
labels_of_the_map()
study()

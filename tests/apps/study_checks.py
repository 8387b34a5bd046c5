# SPDX-License-Identifier: Apache-2.0
"""What a study finds out before it trains anything: every row, control and ablation with the chain that it will have;
and what it says when it goes on with other recipes or in spite of a leak.

usage: python3 tests/apps/study_checks.py build/release/cawe
"""
import html
import json
import shutil
import subprocess
import time

from common import PROGRAM, ROOT, WORK, cawe, sets, tree
from small_study import CLASSIFIER, DATA, DETECTOR, make, rows_of, study


def refused(what, *args, code, says):
    study('refused', *args, code=code, says=says)
    assert not (WORK / 'refused').exists(), what + ': something was written'
    print('ok  before anything is trained: ' + what, flush=True)


def folds():
    """Every person is tested once; a classifier of the same films is trained for each fold, without those who are tested."""
    sets = ('--set', 'folds=3', '--set', 'classifier_set=["data.val=0.2"]')
    study('folds', *sets)
    for fold in range(3):
        mine = {r['image']: r for r in rows_of(WORK / ('folds/classifier-fold%d/split.csv' % fold))}
        rows = {r['image']: r for r in rows_of(WORK / ('folds/rows/retinanet-cawe-0-fold%d/split.csv' % fold))}
        assert mine.keys() == rows.keys() and all(mine[i]['fold'] == rows[i]['fold']
                                                  for i in mine), 'other folds than the detectors have'
        recipe = (WORK / ('folds/classifier-fold%d/recipe.toml' % fold)).read_text()
        others = [f for f in range(3) if f != fold]
        assert 'test_folds = ["%d"]' % fold in recipe and 'val_folds = ["%d"]' % ((fold + 1) % 3) in recipe, recipe
        assert '"%d"' % [f for f in others if f != (fold + 1) % 3][0] in recipe.split('train_folds = ')[1].splitlines()[0], recipe
        assert 'folds/classifier-fold%d' % fold in (WORK / ('folds/rows/retinanet-cawe-0-fold%d/recipe.toml' % fold)).read_text()
    assert not (WORK / 'folds/classifier').exists()
    assert 'The classifier is another one in each fold: its calibration' in (WORK / 'folds/report.html').read_text()
    films = len(rows_of(WORK / 'data/metadata.csv'))
    assert {r['images'] for r in rows_of(WORK / 'folds/results.csv')} == {str(films)}, 'not every film was tested'
    again = (WORK / 'folds/results.csv').read_text()
    study('folds', *sets, '--resume')
    assert (WORK / 'folds/results.csv').read_text() == again
    named = ('--set', 'folds=3', '--set', 'classifier=folds/classifier-fold{fold}')
    study('named', *named)
    assert (WORK / 'named/results.csv').read_text() == again, 'named classifiers of the folds give other results'
    for fold in range(3):
        (WORK / ('c-%d.toml' % fold)).write_text(CLASSIFIER.replace('steps = 1', 'steps = %d' % (fold + 1)))
    study('recipes', '--set', 'folds=3', '--set', 'classifier=c-{fold}.toml')
    for fold in range(3):
        assert 'steps = %d' % (fold + 1) in (WORK / ('recipes/classifier-fold%d/recipe.toml' % fold)).read_text(), 'not the recipe of its fold'
    refused('a named classifier that knows persons of the folds', '--set', 'folds=3', '--set',
            'classifier=folds/classifier-fold0', code=3, says=['was trained on'])
    refused('{fold} without folds', '--set', 'classifier=folds/classifier-fold{fold}', code=2,
            says=['the study has no folds'])
    print('ok  with folds, a classifier of the same films for each', flush=True)


def folds_apart():
    """`fold_scores = "apart"`: the same detections, each fold's in its own order; a second computation from what the rows left."""
    sets = ('--set', 'folds=3', '--set', 'classifier=folds/classifier-fold{fold}', '--set', 'froc.rule=centre')
    study('scores-pooled', *sets)
    study('scores-apart', *sets, '--set', 'fold_scores=apart')
    evaluations = {}
    for name in ('pooled', 'apart'):
        rows = json.loads((WORK / ('scores-' + name) / 'results.json').read_text())['rows']
        evaluations[name] = next(r['evaluations'][0] for r in rows if r['enhancement'] == 'none')
    lines = ['image,x,y,width,height,score,label']
    for fold in range(3):
        run = WORK / ('scores-apart/rows/retinanet-none-0-fold%d' % fold)
        films = sum(r['fold'] == str(fold) for r in rows_of(run / 'split.csv'))
        boxes = rows_of(run / 'detections.csv')
        assert boxes == rows_of(WORK / ('scores-pooled/rows/retinanet-none-0-fold%d/detections.csv' % fold)), 'a run differs'
        for box in boxes:
            above = sum(float(b['score']) >= float(box['score']) for b in boxes)
            lines.append(','.join([box[c] for c in ('image', 'x', 'y', 'width', 'height')] + [repr(1 / (1 + above / films)), '0']))
    (WORK / 'ranked.csv').write_text('\n'.join(lines) + '\n')
    mine = json.loads(cawe('evaluate', '--detections', 'ranked.csv', '--truth', 'data/stage_2_train_labels.csv', '--patients',
                           'data/metadata.csv', '--rule', 'centre', '--draws', 20, '--json').stdout)
    same = [k for k in ('sens', 'sens_lesion_free', 'sens_mean_1_2_3_4', 'map50', 'coco', 'lesions', 'detections')]
    for key in same:
        assert mine[key] == evaluations['apart'][key], (key, mine[key], evaluations['apart'][key])
    assert evaluations['apart']['sens']['8']['value'] > 0, 'nothing was found: the test says nothing'
    assert any(evaluations['apart'][k] != evaluations['pooled'][k] for k in same), 'folds were not ranked'
    note = 'a score is 1 / (1 + boxes per film of its fold'
    assert any(note in n for n in evaluations['apart']['notes']) and note in (WORK / 'scores-apart/report.html').read_text()
    assert note not in (WORK / 'scores-pooled/report.html').read_text()
    done = cawe('study', 'study.toml', '--out', 'no_folds', '--set', 'fold_scores=apart')
    assert 'fold_scores says nothing' in done.stderr, done.stderr
    print('ok  scores of folds apart', flush=True)


def warnings_of_shared_models():
    """What was said of a model that is trained for each fold stands in the report."""
    study('lonely', '--set', 'folds=3', '--set',
          'classifier_set=["data.label_columns=[\'nodule\', \'absent\']", "data.labels_csv=absent.csv"]')
    said = [json.loads((WORK / ('lonely/classifier-fold%d/environment.json' % f)).read_text()).get('warnings', [])
            for f in range(3)]
    assert all(any('absent' in w for w in fold) for fold in said), said
    page = html.unescape((WORK / 'lonely/report.html').read_text())
    for sentence in {w for fold in said for w in fold}:
        assert sentence in page, 'the report does not say: ' + sentence
    print('ok  warnings of a model of each fold stand in the report', flush=True)


def other_split():
    """Rows that are done were tested on the films of their split: no other row may stand beside them, accepted or not."""
    rows = ('--set', 'rows=[none,clahe]')
    study('split', *rows)
    results = (WORK / 'split/results.csv').read_bytes()
    shutil.rmtree(WORK / 'split/rows/retinanet-clahe-0')
    before = tree('split')
    other = rows + ('--set', 'set=["data.split_seed=1"]')
    study('split', '--resume', *other, code=2, says=['split: ', '--accept-changes'])
    study('split', '--resume', '--accept-changes', *other, code=2,
          says=['retinanet-none-0: is done and was tested on', 'choose another --out'])
    assert tree('split') == before, 'something was written'
    study('split', '--resume', *rows)
    assert (WORK / 'split/results.csv').read_bytes() == results
    print('ok  rows that were tested on other films are refused', flush=True)


def weights_of_shared_models():
    """What shared models start from is read, compared and asked for its persons before anything is trained."""
    cawe('train', 'classifier.toml', '--out', 'own', '--quiet', '--set', 'data.split_seed=1')
    cawe('train', 'classifier.toml', '--out', 'wide', '--quiet', '--set', 'model.width=8')
    of = lambda *keys: ('--set', 'classifier_set=[%s]' % ', '.join('"%s"' % key for key in keys))
    refused('weights of a classifier that are not there', *of('init=nope.safetensors'), code=3,
            says=['nope.safetensors'])
    refused('weights of a classifier that do not fit', *of('init=wide'), code=3, says=['wide: the weights do not fit'])
    refused('weights of a classifier that know its test persons', *of('init=own'), code=3, says=['init (own) was trained on'])
    refused('a body that knows the test persons of the classifier', '--set', 'pretrain=own', '--set', 'pretrained=false',
            code=3, says=['init (own) was trained on'])
    cawe('phantom', '--kind', 'scenes', '--out', 'scenes', '--images', 12, '--size', 32)
    demo = ROOT / 'recipes/demo'
    cawe('train', demo / 'colorizer_pretrain.toml', '--out', 'scene', '--quiet',
         *sets('data.root=scenes', 'model.width=8', 'train.steps=1', 'train.batch=4'))
    usual = ('data.root=scenes', 'data.test=0.5', 'model.width=8', 'gan.phi_width=8', 'gan.critic_width=8')
    colour = lambda *keys: sets('rows=["none", "color"]', 'colorizer=%s' % (demo / 'colorizer.toml'),
                                'colorizer_set=[%s]' % ', '.join('"%s"' % key for key in usual + keys))
    refused('weights of a colorizer that are not there', *colour('init=nope.safetensors', 'gan.phi_init=scene'), code=3,
            says=['nope.safetensors'])
    refused('a phi that does not fit', *colour('init=random', 'gan.phi_init=wide', 'gan.phi_width=4'), code=3,
            says=['wide'])
    refused('a phi that knows its test pictures', *colour('init=random', 'gan.phi_init=scene', 'data.split_seed=1'),
            code=3, says=['or phi (scene)', 'was trained on'])


def other_films():
    """Rows are judged on one test set, whose films the report shows once: the recipes of detectors may not differ in these."""
    two_stages = DETECTOR.replace('retinanet', 'faster_rcnn').replace('head_convs = 1\n', '[roi]\nhidden = 16\n')
    (WORK / 'two.toml').write_text(two_stages)
    both = sets('faster_rcnn=two.toml', 'detectors=["faster_rcnn", "retinanet"]', 'retinanet=other.toml')
    keys = '["data.val=0.2", "data.stratify=false"]'  # of one split, whatever the boxes are
    one_split = sets('set=' + keys, 'classifier_set=' + keys)
    first, *lines = (WORK / 'data/stage_2_train_labels.csv').read_text().splitlines(True)
    (WORK / 'data/half.csv').write_text(first + ''.join(lines[:len(lines) // 2]))
    for what, before, after, says in (
            ('is tested on other folds', 'test = 0.3', 'test = 0.3\ntest_folds = ["val", "test"]\nval_folds = []',
             ['its [data] gives other films or another split', 'its test films differ']),
            ('has other boxes', 'stage_2_train_labels.csv', 'half.csv', ['gives other films', 'data_boxes']),
            ('fuses otherwise', '[train]', '[fuse]\nalpha = 0.9\n[train]',
             ['other pictures of a film than two.toml: fuse.alpha is 0.9, there 0.5']),
            ('makes other maps', '[train]', '[cam]\nnorm = "max"\n[train]', ['cam.norm is "max", there "minmax"']),
            ('sees films cut', '[image]', '[image]\nfit = "crop"', ['image.fit is "crop", there "stretch"'])):
        (WORK / 'other.toml').write_text(DETECTOR.replace(before, after))
        refused('a detector that ' + what, *both, *one_split, code=2, says=['other.toml: ', *says])
    # What no row reads differs as it likes: a key of maps where there are none, the recipe of a detector without a row.
    (WORK / 'other.toml').write_text(DETECTOR + '[fuse]\nalpha = 0.9\n')
    study('apart', *both, *sets('rows=["none"]'))
    (WORK / 'other.toml').write_text(two_stages.replace('size = 32', 'size = 64').replace('test = 0.3', 'test = 0.4'))
    study('alone', *sets('rows=["none"]', 'faster_rcnn=other.toml'))
    print('ok  what no row reads may differ', flush=True)


def with_other_persons(name, *phantom):
    """Films whose persons have names that no other film's has, and a recipe of nine tenths of them as another source."""
    cawe('phantom', '--out', name, '--size', 32, *phantom)
    table = WORK / name / 'metadata.csv'
    table.write_text(table.read_text().replace(',p0', ',%s0' % name))
    text = DATA.replace('label_columns = ["nodule", "consolidation"]\n', '').replace('test = 0.3', 'test = 0.9')
    (WORK / (name + '.toml')).write_text(text.replace('"data"', '"%s"' % name))


def films_of_another_source():
    """They are read, and asked for persons and pixels that train a row or its chain, before anything is trained."""
    with_other_persons('away', '--images', 12, '--seed', 9)
    with_other_persons('twins', '--images', 40)  # of the same pixels as "data"
    (WORK / 'known.toml').write_text((WORK / 'away.toml').read_text().replace('"away"', '"data"'))
    (WORK / 'nowhere.toml').write_text((WORK / 'away.toml').read_text().replace('"away"', '"nowhere"'))
    extra = lambda name, *more: sets('extra=%s.toml' % name, 'rows=["none"]', *more)
    refused('films of another source that are not there', *extra('nowhere'), code=3, says=['nowhere: no such folder'])
    refused('films of another source that train a row', *extra('known'), code=3,
            says=["known.toml: films of another source: the rows' detector was trained on", '--allow-leak'])
    refused('films of another source that train a row under another name', *extra('twins'), code=3,
            says=["twins.toml: films of another source: the rows' detector was trained on the pixels of"])
    cawe('train', 'classifier.toml', '--out', 'classifier-away', '--quiet',
         *sets('data.root=away', 'data.boxes=', 'train.steps=1'))
    refused('films of another source that train a classifier',
            *extra('away', 'classifier=classifier-away', 'rows=["none", "cawe"]'), code=3,
            says=['away.toml: films of another source: classifier classifier-away was trained on'])
    # Without a leak nothing is said; with one that is allowed it is, also where the study goes on.
    study('away-study', *extra('away'))
    assert 'class="warnings"' not in (WORK / 'away-study/report.html').read_text()
    said = 'a leak was allowed: known.toml: films of another source: '
    study('known', *extra('known'), '--allow-leak', says=[said])
    assert any(said in w for w in json.loads((WORK / 'known/environment.json').read_text())['warnings'])
    results = (WORK / 'known/results.csv').read_bytes()
    (WORK / 'known/report.html').unlink()
    study('known', *extra('known'), '--allow-leak', '--resume', says=[said])
    page = html.unescape((WORK / 'known/report.html').read_text())
    assert said in page and 'normal films of' in page, 'the report does not say that a leak was allowed'
    assert (WORK / 'known/results.csv').read_bytes() == results
    # A row that is done is asked for those who trained it, whatever its recipe says by now.
    refused_now = study('known', *extra('known'), '--resume', code=3, says=['known.toml: films of another source'])
    assert "detector known/rows/retinanet-none-0" in refused_now.stderr, refused_now.stderr
    # A row that goes on, for those who trained it until now.
    study('moved', *sets('rows=["none"]', 'set=["data.root=away"]'))
    (WORK / 'moved/rows/retinanet-none-0/done').unlink()
    study('moved', *extra('away'), '--resume', '--accept-changes', code=3,
          says=['away.toml: films of another source: run moved/rows/retinanet-none-0 until now was trained on'])
    print('ok  films of another source: an allowed leak stands in the report', flush=True)


def other_beginnings():
    """Weights that done rows began with are compared, though the recipe names them by the same path or another one."""
    for seed in (1, 2):
        cawe('train', 'classifier.toml', '--out', 'own%d' % seed, '--quiet', '--set', 'seed=%d' % seed)
    rows, begin = ('--set', 'rows=[none,clahe]'), lambda own: ('--set', 'set=["init=%s"]' % own)
    study('begun', *rows, *begin('own1'))
    shutil.rmtree(WORK / 'begun/rows/retinanet-clahe-0')
    study('begun', '--resume', *rows, *begin('own2'), code=2,
          says=['retinanet-none-0, which is done and stays as it is: init: '])
    study('begun', '--resume', *rows, *begin('own1'))
    # A row that is not done, with another network: the difference by its name, whatever fits.
    (WORK / 'begun/rows/retinanet-clahe-0/done').unlink()
    study('begun', '--resume', *rows, '--set', 'set=["init=own1", "model.channels=12"]', code=2,
          says=['model.channels: 8 before, 12 now'])
    # Folders of before there were markers are compared, too.
    study('begun', '--resume', *rows, *begin('own1'))
    for marker in (WORK / 'begun').rglob('.cawe'):
        marker.unlink()
    study('begun', '--resume', *rows, *begin('own1'), '--set', 'boot.draws=30', code=2,
          says=['boot.draws: 20 before, 30 now'])
    print('ok  weights that rows began with, folders without markers', flush=True)


def stopped_classifiers():
    """A classifier whose training was stopped is taken, with a word; one that stopped by itself without one."""
    endless = sets('train.steps=100000', 'train.checkpoint_every=1', 'train.keep=1')
    running = subprocess.Popen([PROGRAM, 'train', 'classifier.toml', '--out', 'stopped', '--quiet', *endless], cwd=WORK,
                               stderr=subprocess.DEVNULL)
    while running.poll() is None and not list((WORK / 'stopped').glob('checkpoints/step-*.safetensors')):
        time.sleep(0.02)
    running.terminate()
    running.wait(timeout=60)
    cawe('train', 'classifier.toml', '--out', 'early', '--quiet', *endless,
         *sets('train.eval_every=1', 'train.patience=1', 'train.min_delta=1', 'data.val=0.3'))
    for name, warned in (('stopped', True), ('early', False)):
        done = cawe('enhance', '--method', 'cawe', '--input', 'data/images', '--out', name + '-films', '--quiet',
                    '--classifier', name, '--allow-leak')
        study_says = study('of-' + name, *sets('classifier=' + name), '--allow-leak').stderr
        for said in (done.stderr, study_says):
            words = '%s: was trained to step ' % name
            assert (words in said and ' of 100000 ' in said) == warned and said.count(words) <= 1, said
    print('ok  a classifier whose training was stopped', flush=True)


def goes_on():
    """A finished study, whose files were lost, exchanged or begun again, goes on with what it began with or says what is other."""
    study('plain')
    assert 'class="warnings"' not in (WORK / 'plain/report.html').read_text(), (WORK / 'plain/environment.json').read_text()
    results = (WORK / 'plain/results.csv').read_bytes()
    for name in ('detections.csv', 'detections.films.csv'):
        file = WORK / 'plain/rows/retinanet-none-0' / name
        kept = file.read_bytes()
        for spoil in (file.unlink, lambda: file.write_bytes(kept.splitlines(True)[0])):
            spoil()
            study('plain', '--resume',
                  says=['retinanet-none-0: its detections are not those that it was finished with'])
            assert file.read_bytes() == kept and (WORK / 'plain/results.csv').read_bytes() == results, name
    print('ok  detections that are lost or others are made again', flush=True)
    # A shared model that was exchanged is no longer the one that rows were made with.
    mine, file = WORK / 'plain/classifier/checkpoints/step-00000001.safetensors', WORK / 'plain/rows/retinanet-cawe-0'
    kept = mine.read_bytes()
    cawe('train', 'classifier.toml', '--out', 'exchanged', '--quiet', '--set', 'seed=3')
    for name in sorted((WORK / 'exchanged/checkpoints').iterdir()):
        shutil.copy(name, WORK / 'plain/classifier/checkpoints' / name.name)
    assert mine.read_bytes() != kept
    shutil.move(file, WORK / 'kept')
    study('plain', '--resume', code=2, says=['classifier, which is done and stays as it is: weights: '])
    shutil.move(WORK / 'kept', file)
    mine.write_bytes(kept)
    for name in (WORK / 'plain/classifier/checkpoints').iterdir():
        if name != mine:
            name.unlink()
    # A line that a killed process left unfinished, and a file of the same name that is not ours.
    with open(file / 'timings.csv', 'a') as timings:
        timings.write('tra')
    (WORK / 'plain/notes').mkdir()
    (WORK / 'plain/notes/timings.csv').write_text('when;what\n')
    study('plain', '--resume')
    # A row that is not done cannot go on with another network: nothing says that it did.
    (WORK / 'plain/rows/retinanet-cawe-0/done').unlink()
    before = tree('plain')
    study('plain', '--resume', '--accept-changes', '--set', 'set=["model.width=8"]', code=3, says=['another shape'])
    assert tree('plain') == before, 'something was written'
    study('plain', '--resume')
    assert (WORK / 'plain/results.csv').read_bytes() == results
    # Rows that are done stay as they are.
    study('plain', '--resume', '--accept-changes', '--set', 'set=["model.width=8"]')
    assert (WORK / 'plain/results.csv').read_bytes() == results
    study('plain', '--resume', '--accept-changes')
    (WORK / 'detector.toml').write_text(DETECTOR.replace('batch = 2', 'batch = 4'))
    study('plain', '--resume', code=2, says=['train.batch: 2 before, 4 now', '--accept-changes'])
    study('plain', '--resume', '--accept-changes')
    page = (WORK / 'plain/report.html').read_text()
    assert 'Resumed with changes: the study, retinanet-none-0, which is done and stays as it is: train.batch: 2 before, 4 now' in page
    study('plain', '--resume')  # what was accepted needs no second word
    (WORK / 'detector.toml').write_text(DETECTOR)
    study('plain', '--resume', '--set', 'boot.draws=30', code=2, says=['boot.draws: 20 before, 30 now'])
    study('plain', '--resume', '--set', 'boot.draws=30', '--accept-changes')
    page = (WORK / 'plain/report.html').read_text()
    assert 'Resumed with changes: the study, boot.draws: 20 before, 30 now' in page
    print('ok  other recipes are refused, or accepted and shown in the report', flush=True)


def main():
    make()
    table = [line.split(',') for line in (WORK / 'data/metadata.csv').read_text().splitlines()]
    (WORK / 'data/absent.csv').write_text(''.join(','.join(row + ['absent' if i == 0 else '0']) + '\n' for i,
                                                  row in enumerate(table)))
    other = ('--set', 'classifier_set=["data.split_seed=1"]')
    refused('a classifier with another split trained persons of the test', *other, code=3,
            says=['was trained on', '--allow-leak'])
    refused('an ablation with a label that the classifier does not know', '--ablate', 'cam.targets=[nodule],[mass]',
            code=2, says=['mass'])
    refused('an ablation of the split: its row would be judged on films that it was not tested on', '--ablate',
            'data.test=0.2', code=2, says=['data.test=0.2', 'another split'])
    refused('an ablation of the test folds', '--ablate', 'data.test_folds=[train]', code=2, says=['data.test_folds'])
    refused('a fold that chooses checkpoints and tests', '--set', 'set=["data.val_folds=[test]"]', code=2,
            says=['data.test_folds names fold "test", and so does data.val_folds'])
    refused('an ablated classifier that is not there', '--ablate', 'enhance.classifier=nope', code=3, says=['nope'])
    refused('a control without a second person', '--set', 'controls=["shuffled"]', '--set', 'set=["data.test=0.03"]',
            '--set', 'classifier_set=["data.test=0.03"]', code=3, says=['one patient only'])
    refused('one seed twice', '--set', 'seeds=[3,4,3]', code=2, says=['3 twice'])
    refused('a value of an ablation that is empty', '--ablate', 'fuse.alpha=0.5,', code=2, says=['a value is empty'])
    refused('an ablation of the rule by which all rows are judged', '--ablate', 'froc.iou=0.1', code=2,
            says=['froc.iou=0.1', 'judged by one rule'])
    refused('an ablation of the seed', '--ablate', 'seed=5', code=2, says=['seeds = [0, 1'])
    refused('two values that are one', '--ablate', 'fuse.alpha=0.30,0.3', code=2, says=['would be one row'])
    refused('a value of an ablation too long for the name of its folder', '--ablate', 'init=%st.toml' % ('./' * 130),
            code=2, says=['study.toml: ablate: the folder of row', 'expected up to 255'])
    refused('films too small for a detector', '--ablate', 'image.size=16', code=2, says=['image.size is 16', '32 or more'])
    refused('a class of the map that only the last row asks for', '--set', 'set=["cam.exclude_labels=[\'edema\']"]',
            code=2, says=['edema'])
    weights_of_shared_models()
    folds()
    folds_apart()
    warnings_of_shared_models()
    other_split()
    other_films()
    films_of_another_source()
    stopped_classifiers()
    other_beginnings()
    study('allowed', *other, '--allow-leak', says=['a leak was allowed'])
    page = (WORK / 'allowed/report.html').read_text()
    assert 'class="warnings"' in page and 'a leak was allowed' in page, 'the report does not say that a leak was allowed'
    print('ok  an allowed leak stands in the report', flush=True)
    goes_on()


main()

# SPDX-License-Identifier: Apache-2.0
"""Every recipe of the tree is understood, and those of recipes/paper run from end to end on files laid out as
CheXpert and RSNA lay theirs out: small phantoms under those names, narrow networks, two steps.

usage: python3 tests/apps/recipes.py build/release/cawe
"""
import csv
import json
import os
import pathlib
import shutil

from common import ROOT, WORK, cawe, run

CHEXPERT = ['No Finding', 'Enlarged Cardiomediastinum', 'Cardiomegaly', 'Lung Opacity', 'Lung Lesion', 'Edema',
            'Consolidation', 'Pneumonia', 'Atelectasis', 'Pneumothorax', 'Pleural Effusion', 'Pleural Other',
            'Fracture', 'Support Devices']


def make_chexpert(films):
    """Rows with every kind of cell, a lateral view among them, paths as in CheXpert-v1.0-small."""
    with open(WORK / 'chexpert_train.csv', 'w', newline='') as f:
        out = csv.writer(f)
        out.writerow(['Path', 'Sex', 'Age', 'Frontal/Lateral', 'AP/PA'] + CHEXPERT)
        for i, film in enumerate(films):
            view = 'lateral' if i % 10 == 9 else 'frontal'
            path = pathlib.Path('train/patient%05d/study1/view1_%s.png' % (i, view))
            (WORK / 'chexpert' / path).parent.mkdir(parents=True)
            shutil.copy(film, WORK / 'chexpert' / path)
            cells = [['1.0', '0.0', '-1.0', ''][(i + 3 * k) % 4] for k in range(14)]
            out.writerow(['CheXpert-v1.0-small/%s' % path, 'Female', 60, view.capitalize(), 'AP'] + cells)
    lines = (WORK / 'chexpert_train.csv').read_text().splitlines()
    official = [line for line in lines[1:] if int(line.split('patient')[1][:5]) >= 32]
    (WORK / 'chexpert/valid.csv').write_text('\n'.join(lines[:1] + official) + '\n')
    (WORK / 'chexpert/train.csv').write_text('\n'.join(line for line in lines if line not in official) + '\n')


def make_rsna(films, boxes):
    images = WORK / 'rsna/stage_2_train_images'
    images.mkdir(parents=True)
    mapping, classes = [], ['patientId,class']
    for i, film in enumerate(films):
        shutil.copy(film, images)
        positive = any(line.startswith(film.stem + ',') and line.endswith(',1') for line in boxes)
        classes.append(film.stem + (',Lung Opacity' if positive else ',Normal'))
        mapping.append({'subset_img_id': film.stem, 'img_id': '%08d_%03d.png' % (i // 2, i % 2)})
    (WORK / 'rsna/stage_2_detailed_class_info.csv').write_text('\n'.join(classes) + '\n')
    (WORK / 'rsna/stage_2_train_labels.csv').write_text('\n'.join(boxes) + '\n')
    (WORK / 'rsna/pneumonia-challenge-dataset-mappings_2018.json').write_text(json.dumps(mapping))


def paper():
    # Other films than RSNA's.
    cawe('phantom', '--out', 'png', '--format', 'png', '--images', 40, '--size', 64, '--seed', 1)
    cawe('phantom', '--out', 'dcm', '--images', 40, '--size', 64)
    make_chexpert(sorted((WORK / 'png/images').iterdir()))
    make_rsna(sorted((WORK / 'dcm/images').iterdir()), (WORK / 'dcm/stage_2_train_labels.csv').read_text().splitlines())
    small = ['model.width=4', 'train.steps=2', 'train.batch=4', 'image.size=64', 'init=random', 'model.norm=batch',
             'train.eval_every=0']
    quote = lambda items: '[%s]' % ', '.join("'%s'" % i for i in items)
    cawe('phantom', '--kind', 'scenes', '--out', 'scenes', '--images', 12, '--size', 64)
    (WORK / 'imagenet/train').mkdir(parents=True)
    shutil.move(WORK / 'scenes/images', WORK / 'imagenet/train/n01440764')
    cawe('train', ROOT / 'recipes/demo/colorizer_pretrain.toml', '--out', 'body', '--quiet',
         *(w for s in BODY for w in ('--set', s)))
    phases = ['frozen', 'all64', 'all128', 'all192', 'critic128', 'critic192', 'gan']
    colorizer = ['model.width=8', 'gan.phi_width=8', 'gan.critic_width=8', 'data.root="imagenet"', 'data.test=0.2',
                 'init="body"', 'gan.phi_init="body"', 'color.render_factor=4']
    colorizer += ['phase.%s.%s' % (p, s) for p in phases for s in ('steps=1', 'size=64', 'batch=2')]
    cawe('study', ROOT / 'recipes/paper/study.toml', '--out', 'study', '--quiet', '--set', 'seeds=[0]', '--set',
         'boot.draws=50', '--set', 'classifier_set=' + quote(small + ['data.root="chexpert"', 'data.val=0.2']), '--set',
         'colorizer_set=' + quote(colorizer), '--set', 'control_detectors=["retinanet"]', '--set', 'set=' +
         quote(small + ['data.root="rsna"', 'data.val=0.2', 'model.channels=16', 'train.milestones=[1]',
                        'cam.input=64']))
    with open(WORK / 'study/results.csv') as f:
        rows = [r['enhancement'] for r in csv.DictReader(f)]
    table = ['none', 'afda', 'medga', 'color', 'cawe', 'color+cawe']
    assert rows == 2 * table + ['shuffled', 'uniform', 'centre', 'clahe', 'colormap', 'aa', 'aa'], rows
    for path in sorted((WORK / 'study').rglob('recipe.toml')):  # a resolved recipe is a recipe, and gives every key
        keys = said(path)
        assert all(k['from'].startswith(str(path)) for k in keys.values()), [k for k in keys.values()
                                                                             if not k['from'].startswith(str(path))]
    recipe = (WORK / 'study/classifier/recipe.toml').read_text()
    assert 'chexpert' in recipe and 'optimizer = "adam"' in recipe, recipe
    with open(WORK / 'study/classifier/split.csv') as f:
        films = list(csv.DictReader(f))
    assert len(films) == 36 and all('frontal' in r['image'] for r in films), len(films)
    assert {r['patient'] for r in films if r['fold'] == 'test'} == {'patient%05d' % i for i in range(32, 39)}, films
    official = json.loads((WORK / 'study/classifier/results.json').read_text())
    assert (official['images'], official['patients']) == (7, 7) and 'Cardiomegaly' in official['auroc'], official
    # A film of both tables; a person of both, whose films differ.
    valid = (WORK / 'chexpert/valid.csv').read_text()
    (WORK / 'chexpert/film.csv').write_text(valid.replace('patient00033', 'patient00003'))
    (WORK / 'chexpert/person.csv').write_text(valid.replace('patient00033/study1', 'patient00003/study2'))
    shutil.copytree(WORK / 'chexpert/train/patient00033/study1', WORK / 'chexpert/train/patient00003/study2')
    common = ['train', ROOT / 'recipes/paper/classifier.toml', '--out', 'refused', '--quiet',
              *(w for s in small + ['data.root="chexpert"'] for w in ('--set', s))]
    for sets, code, words in ((['data.test_csv="film.csv"'], 3, 'patient00003_study1'),
                              (['data.test_csv="person.csv"'], 3, 'patient00003'),
                              (['data.test=0.2'], 2, 'data.test = 0')):
        lines = cawe(*common, *(w for s in sets for w in ('--set', s)), code=code).stderr.splitlines()
        assert len(lines) == 1 and words in lines[0], lines
    print('ok  recipes/paper run on CheXpert and RSNA as they lie on disk')


BODY = ['model.depth=34', 'model.width=8', 'train.steps=2', 'train.batch=4', 'image.size=64', 'data.root="scenes"',
        'data.images="../imagenet/train/n01440764"', 'data.val=0.2']


def understood():
    """A recipe whose data are not here ends at its data, after every key was checked: no unknown key, no wrong type."""
    for path in sorted((ROOT / 'recipes').glob('*/*.toml')):
        text = path.read_text()
        if 'task =' not in text:  # [data] alone: films that a study adds
            continue
        command = 'study' if 'task = "study"' in text else 'train'
        overrides = ['--set', 'classifier="nowhere"'] if command == 'study' else ['--set', 'data.root="nowhere"',
                                                                                  '--set', 'init=random']
        if 'norm = "frozen"' in text:
            overrides += ['--set', 'model.norm=']
        done = run(command, path, '--out', 'r', '--quiet', *overrides, env={**os.environ, 'CAWE_DATA': 'nowhere'})
        assert done.returncode == 3 and 'no such folder' in done.stderr, (path, done.stderr)
        shutil.rmtree(WORK / 'r', ignore_errors=True)
        print('ok ', path.relative_to(ROOT))


def json_of(*args):
    return json.loads(cawe(*args, '--json').stdout)


def said(*args):
    """What `cawe recipe explain` says, by key."""
    return {k['name']: k for k in json_of('recipe', 'explain', *args)['keys']}


def commands():
    keys = json_of('recipe', 'keys')['keys']
    names = [k['name'] for k in keys]
    assert len(names) == len(set(names)) > 180, len(names)
    retinanet = json_of('recipe', 'keys', 'train.', '--task', 'retinanet')['keys']
    assert all(k['name'].startswith('train.') and list(k['tasks']) == ['retinanet'] for k in retinanet), retinanet
    assert next(k for k in retinanet if k['name'] == 'train.batch')['tasks']['retinanet']['default'] == 8
    text = cawe('recipe', 'keys', 'fuse.alpha').stdout
    assert text.startswith('fuse.alpha = 0.5') and 'Eq. 7' in text, text
    # Values and where they come from: default, file and line, --set; what is known only once there are data.
    path = ROOT / 'recipes/demo/retinanet.toml'
    line = path.read_text().splitlines().index('anchor_base = 12') + 1
    keys = said(path, '--set', 'train.lr=0.5', '--set', 'train.batch=', '--set', 'fuse.alpha=0.3')
    base = keys['model.anchor_base']
    assert base['value'] == 12 and base['from'].endswith('retinanet.toml:%d' % line), base
    assert (keys['train.lr']['value'], keys['train.lr']['from']) == (0.5, '--set'), keys['train.lr']
    assert (keys['train.batch']['value'], keys['train.batch']['from']) == (8, 'default'), keys['train.batch']
    assert 'enhance.method' in keys['fuse.alpha']['idle'] and 'data.uncertain' not in keys
    classifier = said(ROOT / 'recipes/demo/classifier.toml')
    labels = classifier['labels']
    assert labels['value'] is None and labels['missing'] == "the data's", labels
    # What it prints is a recipe.
    done = cawe('recipe', 'explain', path, '--set', 'fuse.alpha=0.3')
    assert 'cawe: warning: --set: fuse.alpha says nothing: enhance.method is "none"' in done.stderr, done.stderr
    (WORK / 'printed.toml').write_text(done.stdout)
    again = said('printed.toml')
    assert {k: v['value'] for k, v in again.items()} == {k: v['value'] for k,
                                                         v in said(path, '--set', 'fuse.alpha=0.3').items()}
    # A study warns of what no row reads, and of nothing that one row reads.
    study = ['study', ROOT / 'recipes/demo/study.toml', '--out', 'st', '--set']
    done = run(*study, 'set=["data.root=nowhere", "afda.vmax=0.5", "clahe.tiles=4", "data.folds=3"]')
    warned = [w.split(' says nothing')[0].split()[-1] for w in done.stderr.splitlines()
              if w.startswith('cawe: warning: ')]
    assert done.returncode == 3 and sorted(set(warned)) == ['clahe.tiles', 'data.folds'], done.stderr
    print('ok  cawe recipe keys, cawe recipe explain')


commands()
paper()
understood()

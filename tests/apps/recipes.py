# SPDX-License-Identifier: Apache-2.0
"""Every recipe of the tree is understood, and those of recipes/paper run from end to end on files laid out as
CheXpert and RSNA lay theirs out: small phantoms under those names, narrow networks, two steps.

usage: python3 tests/apps/recipes.py build/release/cawe
"""
import csv
import json
import os
import pathlib
import random
import re
import shutil
import struct

from common import ROOT, WORK, cawe, run, sets

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


def quote(items):
    return '[%s]' % ', '.join("'%s'" % i for i in items)


def paper():
    # Other films than RSNA's.
    cawe('phantom', '--out', 'png', '--format', 'png', '--images', 40, '--size', 64, '--seed', 1)
    cawe('phantom', '--out', 'dcm', '--images', 40, '--size', 64)
    make_chexpert(sorted((WORK / 'png/images').iterdir()))
    make_rsna(sorted((WORK / 'dcm/images').iterdir()), (WORK / 'dcm/stage_2_train_labels.csv').read_text().splitlines())
    small = SMALL
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
         'boot.draws=50', '--set', 'classifier_set=' + quote(small + ['data.root="chexpert"', 'data.val=0.2',
                                                            'data.without_labels=["Support Devices"]']), '--set',
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
    learnt = said(WORK / 'study/classifier/recipe.toml')['labels']['value']
    assert learnt == CHEXPERT[:-1], 'the label set is not the key\'s: %s' % learnt
    assert 'Support Devices' not in list(official['auroc']) + official['left_out'], official
    active_in_map('study/rows/retinanet-cawe-0', ['No Finding'])
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


def active_in_map(run, excluded):
    recipe = said(WORK / run / 'recipe.toml')
    assert recipe['cam.exclude_labels']['value'] == excluded, recipe['cam.exclude_labels']


def folds_of(run):
    with open(WORK / run / 'split.csv') as f:
        persons = {}
        for row in csv.DictReader(f):
            persons.setdefault(row['fold'], set()).add(row['patient'])
    return {fold: len(whose) for fold, whose in persons.items()}


def p6_of(run):
    """The shape of the weight that makes P6, from the header of the run's checkpoint."""
    file = max((WORK / run / 'checkpoints').glob('step-*.safetensors')).open('rb')
    header = json.loads(file.read(struct.unpack('<Q', file.read(8))[0]))
    return next(header[name]['shape'] for name in header if name.endswith('backbone.fpn.extra_blocks.p6.weight'))


def eight_to_two():
    """RSNA's labels for the map, of which "Normal" is never active; 8:2 without a validation set; other anchors and P6."""
    detectors = SMALL + ['data.root="rsna"', 'data.val=0', 'model.channels=16', 'train.milestones=[1]', 'cam.input=64']
    rsna = ['study', ROOT / 'recipes/paper/study.toml', '--out', 'rsna_study', '--set', 'seeds=[0]', '--set', 'boot.draws=50',
            '--set', 'classifier=classifier_rsna.toml', '--set', 'rows=["none", "cawe"]', '--set', 'controls=[]', '--set',
            'detectors=["retinanet"]', '--set',
            'classifier_set=' + quote(SMALL + ['data.root="rsna"', 'data.val=0.2']), '--set', 'set=' + quote(detectors)]
    done = cawe(*rsna)
    assert 'validation' not in done.stderr, done.stderr
    active_in_map('rsna_study/rows/retinanet-cawe-0', ['Normal'])
    run = 'rsna_study/rows/retinanet-none-0'
    assert folds_of(run) == {'train': 16, 'test': 4}, folds_of(run)
    names = sorted(f.name for f in (WORK / run / 'checkpoints').iterdir())
    assert 'best.safetensors' not in names and names, names
    # The literal reading is another map, and another row.
    literal = [w.replace("'cam.input=64'", "'cam.input=64', 'cam.exclude_labels=[]'") if isinstance(w, str) else w for w in rsna]
    literal[3] = 'rsna_literal'
    cawe(*literal, '--quiet')
    active_in_map('rsna_literal/rows/retinanet-cawe-0', [])
    # The key alone: the last checkpoint, and a sentence that says so where epochs are to be judged.
    train = ['train', ROOT / 'recipes/paper/faster_rcnn.toml', '--json', *sets(detectors), '--set', 'rpn.cross_boundary=ignore']
    anchors = ['--set', 'rpn.anchor_sizes=[8, 16, 24, 32, 48]']
    done = cawe(*train, *anchors, '--out', 'last', '--set', 'train.eval_every=1')
    assert 'no film is in a validation fold: the last checkpoint is used' in done.stderr, done.stderr
    assert folds_of('last') == {'train': 16, 'test': 4}
    assert said(WORK / 'last/recipe.toml')['rpn.cross_boundary']['value'] == 'ignore'
    kept = cawe(*train, *anchors, '--out', 'kept', '--quiet', '--set', 'rpn.cross_boundary=keep')
    losses = [json.loads(d.stdout)['loss'] for d in (done, kept)]
    assert losses[0] != losses[1], 'anchors over the edge train all the same'
    done = cawe(*train, '--out', 'none_inside', '--quiet', '--set', 'rpn.anchor_sizes=[90, 100, 128, 256, 512]', code=2)
    assert 'rpn.cross_boundary leaves no anchor' in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert not (WORK / 'none_inside').exists()
    cawe('train', ROOT / 'recipes/paper/retinanet.toml', *sets(detectors), '--set', 'model.p6_from=c5', '--out', 'c5', '--quiet')
    shapes = [p6_of(w) for w in ('c5', run)]  # 32 times the width of channels in C5, 16 in the pyramid
    assert shapes == [[16, 128, 3, 3], [16, 16, 3, 3]], shapes
    print('ok  recipes/paper: RSNA\'s labels in the map, 8:2, anchors over the edge, P6 of C5')


def vgg19():
    """phi = VGG-19 by squares: its weights are asked for, and a file with torchvision's names serves."""
    colorizer = ['model.width=8', 'gan.phi_width=8', 'gan.critic_width=8', 'data.root="imagenet"', 'data.test=0.2', 'init="body"',
                 'gan.phi=vgg19', 'gan.phi_layers=', 'gan.phi_weights=', 'gan.phi_loss=']
    colorizer += ['phase.%s.steps=0' % p for p in ('all64', 'all128', 'all192', 'critic128', 'critic192', 'gan')]
    colorizer += ['phase.frozen.%s' % s for s in ('steps=2', 'size=64', 'batch=2')]
    train = ['train', ROOT / 'recipes/paper/colorizer.toml', '--json', '--quiet', *sets(colorizer)]
    keys = said(train[1], *sets(colorizer))
    assert [keys['gan.phi_' + k]['value'] for k in ('layers', 'weights', 'loss')] == [['35'], [0.006], 'mse'], keys
    refused = cawe(*train, '--out', 'no_phi', '--set', 'gan.phi_init=', code=2).stderr
    assert 'gan.phi' in refused and 'random network' in refused and len(refused.splitlines()) == 1, refused
    write_safetensors(WORK / 'vgg19.safetensors', 8)
    done = cawe(*train, '--out', 'by_squares', '--set', 'gan.phi_init=vgg19.safetensors')
    other = cawe(*train, '--out', 'by_differences', '--set', 'gan.phi_init=vgg19.safetensors', '--set', 'gan.phi_loss=l1')
    assert json.loads(done.stdout)['loss'] != json.loads(other.stdout)['loss']
    wrong = cawe(*train, '--out', 'no_relu', '--set', 'gan.phi_init=vgg19.safetensors', '--set', 'gan.phi_layers=34', code=2).stderr
    assert 'features.34 is no ReLU' in wrong and len(wrong.splitlines()) == 1, wrong
    print('ok  the content loss on VGG-19')


def write_safetensors(path, width):
    """VGG-19's convolutions under torchvision's names, an 8th as wide and random, and a linear layer that nobody needs."""
    draw, header, body = random.Random(0), {}, b''
    def put(name, shape, spread):
        nonlocal body
        count = 1
        for n in shape:
            count *= n
        values = struct.pack('<%df' % count, *[draw.uniform(-spread, spread) for _ in range(count)])
        header[name] = {'dtype': 'F32', 'shape': shape, 'data_offsets': [len(body), len(body) + len(values)]}
        body += values
    index, channels = 0, 3
    for convolutions, widths in ((2, 1), (2, 2), (4, 4), (4, 8), (4, 8)):
        for _ in range(convolutions):
            put('features.%d.weight' % index, [widths * width, channels, 3, 3], (6 / (9 * channels))**.5)
            put('features.%d.bias' % index, [widths * width], .1)
            channels, index = widths * width, index + 2
        index += 1
    put('classifier.0.weight', [2, 3], 1)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack('<Q', len(text)) + text + body)


SMALL = ['model.width=4', 'train.steps=2', 'train.batch=4', 'image.size=64', 'init=random', 'model.norm=batch', 'train.eval_every=0']
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
    # docs/reproduce.md, section 6, names every key that decides what the paper leaves open, and no key that there is not.
    page = (ROOT / 'docs/reproduce.md').read_text().split('## 6. ')[1]
    named = set(re.findall(r'`([a-z_0-9]+\.[a-zA-Z_.*]+)`', page))
    groups = [n[:-1] for n in named if n.endswith('*')]
    for key in keys:
        inside = key['name'] in named or '`%s`' % key['name'] in page or any(key['name'].startswith(g) for g in groups)
        assert inside or not key.get('open'), 'section 6 of docs/reproduce.md does not name %s' % key['name']
    strange = [n for n in named if n not in names and not n.endswith(('*', '.toml', '.md'))]
    assert not strange, strange
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
eight_to_two()
vgg19()
understood()

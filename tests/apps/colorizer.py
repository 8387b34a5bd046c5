# SPDX-License-Identifier: Apache-2.0
"""The colorizer as a user runs it: scenes, classifier, training in phases, folds, enhancing, a detector that carries
it.

usage: python3 tests/apps/colorizer.py build/release/cawe
"""
import json
import shutil

from common import ROOT, WORK, cawe, check, sets

DEMO = ROOT / 'recipes/demo'


SMALL = sets('data.root=scenes', 'init=pre', 'gan.phi_init=pre', 'model.width=8', 'gan.phi_width=8',
             'gan.critic_width=8', 'phase.frozen.steps=2', 'phase.all.steps=6', 'phase.critic.steps=2',
             'phase.gan.steps=4')


def train(out, *more, code=0):
    return cawe('train', DEMO / 'colorizer.toml', '--out', out, '--quiet', '--json', *SMALL, *more, code=code)


def training():
    cawe('phantom', '--kind', 'scenes', '--out', 'scenes', '--images', 40, '--size', 64, '--seed', 3)
    cawe('train', DEMO / 'colorizer_pretrain.toml', '--out', 'pre', '--quiet',
         *sets('data.root=scenes', 'model.width=8', 'train.steps=6', 'train.batch=8'))
    summary = json.loads(train('col').stdout)
    check(summary['steps'] == 14 and summary['task'] == 'colorizer', 'four phases')
    lines = [json.loads(line) for line in (WORK / 'col/log.jsonl').read_text().splitlines()]
    check(lines[-1]['phase'] == 3 and 'loss.critic' in lines[-1] and 'loss.adversarial' in lines[-1],
          'the log has both networks')
    results = json.loads((WORK / 'col/results.json').read_text())
    check(results['images'] == 4 and results['chroma_error_of_gray']['value'] > 0.05, 'results.json')
    difference = results['chroma_error']['value'] - results['chroma_error_of_gray']['value']
    check(abs(difference - results['chroma_error_minus_gray']['value']) < 1e-12,
          'the paired difference is that of the means')
    check((WORK / 'col/pictures.png').stat().st_size > 1000 and
          len((WORK / 'col/scores.csv').read_text().splitlines()) == 5, 'pictures and scores')
    refused = train('refused', '--set', 'gan.phi_init=""', code=2)
    check('gan.phi_init' in refused.stderr and not (WORK / 'refused').exists(), 'a random phi is refused')
    plain = json.loads(train('plain', *sets('gan.phi=none', 'phase.critic.steps=0', 'phase.gan.steps=0')).stdout)
    check(plain['steps'] == 8, 'plain L1, two phases')
    photos = lambda out, *more, code=0: cawe('train', ROOT / 'recipes/real/colorizer_photos.toml', '--out', out,
                                             '--quiet', '--json', *SMALL[:-8],
                                             *sets('phase.all.steps=3', 'phase.critic.steps=0', 'phase.gan.steps=0',
                                                   'data.folds=2'), *more, code=code)
    folds = json.loads(photos('folds', *sets('gan.phi=none', 'init=random')).stdout)
    check(json.loads((WORK / 'folds/results.json').read_text())['images'] == 40 and folds['of_gray'] > 0,
          'every image held out once')
    leaking = photos('leaking', code=3)
    check('init (' in leaking.stderr and 'or phi (' in leaking.stderr and not (WORK / 'leaking/fold-0').exists(),
          'images that trained phi may not test')


def allowed():
    photos = cawe('train', DEMO / 'colorizer.toml', '--out', 'allowed', '--quiet', '--json', '--allow-leak', *SMALL,
                  *sets('phase.frozen.steps=1', 'phase.all.steps=0', 'phase.critic.steps=0', 'phase.gan.steps=0', 'data.split_seed=7'))
    check(json.loads(photos.stdout)['leak'] == 'allowed', 'a leak that was allowed stands in the summary')


def enhancing():
    cawe('phantom', '--out', 'films', '--images', 40, '--size', 64, '--seed', 2)
    narrow = sets('data.root=films', 'image.size=64', 'model.width=8', 'train.batch=8', 'train.steps=6')
    cawe('train', DEMO / 'classifier.toml', '--out', 'cls', '--quiet', *narrow)
    film = sorted((WORK / 'films/images').iterdir())[0]
    cawe('enhance', '--method', 'color', '--colorizer', 'col', '--input', film, '--out', 'colored', '--quiet')
    cawe('enhance', '--method', 'color+cawe', '--colorizer', 'col', '--classifier', 'cls', '--input', film, '--out',
         'fused', '--quiet', '--allow-leak')
    for folder in ('colored', 'fused'):
        png = next((WORK / folder).glob('*.png')).read_bytes()
        check(png[:8] == b'\x89PNG\r\n\x1a\n' and png[25] == 2, folder + ': an RGB picture')
    missing = cawe('enhance', '--method', 'color', '--input', film, '--out', 'x', code=2)
    check('--colorizer' in missing.stderr, 'color asks for a colorizer')
    wrong = cawe('enhance', '--method', 'color', '--colorizer', 'cls', '--input', film, '--out', 'x', code=3)
    check('expected a colorizer' in wrong.stderr, 'a classifier is no colorizer')

    chain = sets('enhance.method="color+cawe"', 'enhance.classifier=cls', 'enhance.colorizer=col', 'model.channels=16',
                 'init=cls')
    cawe('train', DEMO / 'retinanet.toml', '--out', 'det', '--quiet', *narrow, *chain, '--set', 'allow_leak=true')
    cawe('detect', '--weights', 'det', '--input', film, '--out', 'before.csv', '--quiet', '--allow-leak')
    for run in ('cls', 'col'):
        shutil.rmtree(WORK / run)
    cawe('detect', '--weights', 'det', '--input', film, '--out', 'after.csv', '--quiet', '--allow-leak')
    check((WORK / 'before.csv').read_bytes() == (WORK / 'after.csv').read_bytes(),
          'the detector needs neither run: both travel in its checkpoint')


training()
allowed()
enhancing()

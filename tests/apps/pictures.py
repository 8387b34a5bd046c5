# SPDX-License-Identifier: Apache-2.0
"""Pictures stored turned and pictures with damaged pixels, through every command that reads films.

usage: python3 tests/apps/pictures.py build/release/cawe
"""
import csv
import json
import pathlib
import shutil
import struct

from common import ROOT, WORK, cawe, check

GOLDEN = {line.split()[0]: line.split() for line in (ROOT / 'tests/goldens/pictures.txt').read_text().splitlines()}
SMALL = ['--quiet', '--set', 'image.size=48', '--set', 'model.width=4', '--set', 'train.steps=2', '--set',
         'train.batch=4']


def golden(name):
    """A file that Pillow has seen (scripts/goldens/pictures.py)."""
    return bytes.fromhex(GOLDEN[name][5])


def with_hole(jpeg):
    """A third of its scan is zeros."""
    scan = jpeg.rindex(b'\xff\xda')
    third = (len(jpeg) - scan) // 3
    return jpeg[:scan + third] + bytes(third) + jpeg[scan + 2 * third:]


def rows(name):
    with open(WORK / name, newline='') as f:
        return list(csv.reader(f))


def warnings(done):
    return [line for line in done.stderr.splitlines() if line.startswith('cawe: warning: ') and 'damaged' in line]


def turned():
    found = json.loads(cawe('inspect', 'turned/a.png', '--json').stdout)
    check((found['columns'], found['rows'], found['orientation'], found['shown_columns'], found['shown_rows']) ==
          (5, 3, 6, 3, 5), 'inspect --json says what is stored and what is shown')
    check('EXIF orientation 6' in cawe('inspect', 'turned/a.png').stdout, 'inspect says that it is stored turned')
    cawe('enhance', '--method', 'none', '--input', 'turned', '--out', 'upright', '--quiet')
    for name in ('a.png', 'b.png'):
        check(struct.unpack_from('>II', (WORK / 'upright' / name).read_bytes(), 16) == (3, 5), name +
              ' is written upright')


def inspected():
    line = cawe('inspect', 'films/hole.jpg', code=3).stderr
    check('films/hole.jpg: JPEG with damaged pixels (libjpeg: Corrupt JPEG data' in line and '--allow-damaged' in line,
          'inspect refuses, in libjpeg\'s words')
    refused = json.loads(cawe('inspect', 'films/hole.jpg', '--json', code=3).stdout)
    check(refused['error_kind'] == 'damaged_pixel_data', 'and names the kind')
    found = json.loads(cawe('inspect', 'films/hole.jpg', '--allow-damaged', '--json').stdout)
    check(found['damage'].startswith('libjpeg: Corrupt JPEG data') and found['columns'] == 48,
          'with --allow-damaged it says what is wrong')
    check('damaged: libjpeg: ' in cawe('inspect', 'films/hole.jpg', '--allow-damaged').stdout, 'as text, too')
    check('damage' not in json.loads(cawe('inspect', 'films/whole.jpg', '--allow-damaged', '--json').stdout),
          'of a whole one it says nothing')


def listed(command, out, folder):
    """Damaged films are rejected, or read and listed; `out` is what the command writes."""
    done = cawe(*command, '--out', out, code=3)
    check([r[0] for r in rows(folder / 'rejected.csv')] == ['file', 'films/hole.jpg'] and
          not (WORK / folder / 'damaged.csv').exists(), command[0] + ' rejects a damaged film')
    shutil.rmtree(WORK / folder)
    (WORK / folder).mkdir()
    done = cawe(*command, '--out', out, '--allow-damaged', '--json')
    table = rows(folder / 'damaged.csv')
    check(table[0] == ['file', 'damage'] and len(table) == 2 and table[1][0] == 'films/hole.jpg' and
          table[1][1].startswith('libjpeg: '), command[0] + ' --allow-damaged lists it')
    check(len(warnings(done)) == 1 and 'films/hole.jpg: damaged' in warnings(done)[0], 'and warns of it')
    check(json.loads(done.stdout)['damaged'] == 1 and not (WORK / folder / 'rejected.csv').exists(), 'and counts it')


def trained():
    cawe('phantom', '--out', 'data', '--images', 12, '--size', 48, '--format', 'png', '--quiet')
    film = sorted((WORK / 'data/images').iterdir())[0]
    film.write_bytes(with_hole(golden('noise')))
    recipe = ['train', ROOT / 'recipes/demo/classifier.toml', '--set', 'data.root=data', '--set', 'data.split=all',
              '--set', 'data.train_folds=["test"]', '--set', 'data.val_folds=[]', '--set', 'data.test_folds=[]',
              '--set', 'train.batch=12', *SMALL[:-2]]
    check('damaged pixels' in cawe(*recipe, '--out', 'r', code=3).stderr, 'training refuses a damaged film')
    cawe(*recipe, '--out', 'r1', '--set', 'data.allow_damaged=true')
    check((WORK / 'r1/checkpoints').is_dir(), 'data.allow_damaged trains on it')
    check('allow_damaged = true' in (WORK / 'r1/recipe.toml').read_text(), 'and the run says so')
    unseen = cawe(*recipe, '--out', 'r2', '--set', 'data.allow_damaged=true', '--set', 'data.check_images=false')
    check(len(warnings(unseen)) == 1 and film.name in warnings(unseen)[0],
          'a film that was not opened before is told of once')


def main():
    for folder in ('films', 'turned', 'e', 'd'):
        (WORK / folder).mkdir()
    (WORK / 'films/whole.jpg').write_bytes(golden('noise'))
    (WORK / 'films/hole.jpg').write_bytes(with_hole(golden('noise')))
    (WORK / 'turned/a.png').write_bytes(golden('png_exif_6'))
    (WORK / 'turned/b.jpg').write_bytes(golden('jpeg_exif_8'))
    turned()
    inspected()
    listed(['enhance', '--method', 'none', '--input', 'films', '--quiet', '--overwrite'], 'e', pathlib.Path('e'))
    trained()
    cawe('train', ROOT / 'recipes/demo/retinanet.toml', '--out', 'det', '--set', 'data.root=data', '--set',
         'data.allow_damaged=true', '--set', 'model.channels=16', *SMALL)
    listed(['detect', '--weights', 'det', '--input', 'films', '--quiet', '--allow-leak'], 'd/found.csv',
           pathlib.Path('d'))


main()

# SPDX-License-Identifier: Apache-2.0
"""What the tests of films share: films of noise, a small detector and a small classifier trained on them, the commands
that read films.
"""
import csv
import random
import struct
import zlib

from common import SMALL_DETECTOR, WORK, cawe, errors_of

RECIPE = '''task = "retinanet"
seed = 0
[data]
root = "data"
labels_csv = "metadata.csv"
label_columns = ["l"]
boxes = "boxes.csv"
split = "patient"
test = 0.25
val = 0.25
''' + SMALL_DETECTOR + '''anchor_base = 12
anchor_whole = false
[train]
steps = 4
batch = 2
lr = 1e-3
'''


def refused(what, code, words, *args, **options):
    """Exactly one error line that has all the words."""
    lines = errors_of(cawe(*args, code=code, **options).stderr)
    assert len(lines) == 1, lines
    for word in words:
        assert word in lines[0], '%s: "%s" is not in: %s' % (what, word, lines[0])
    print('ok ', what)


def png(path, seed=0, width=64, height=64):
    """A gray film of noise."""
    def chunk(kind, body):
        return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))

    noise = random.Random(seed)
    rows = b''.join(b'\0' + bytes(noise.randrange(256) for _ in range(width)) for _ in range(height))
    path = WORK / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)) +
                     chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))


def dicom(path, sop_class):
    """A DICOM file of this class with nothing in it but its header."""
    uid = sop_class.encode() + b'\0' * (len(sop_class) % 2)
    meta = struct.pack('<HH2sH', 2, 2, b'UI', len(uid)) + uid
    meta += struct.pack('<HH2sH', 2, 0x10, b'UI', 20) + b'1.2.840.10008.1.2.1\0'
    body = struct.pack('<HH2sH', 8, 0x16, b'UI', len(uid)) + uid
    (WORK / path).write_bytes(b'\0' * 128 + b'DICM' + struct.pack('<HH2sHI', 2, 0, b'UL', 4, len(meta)) + meta + body)


def table(path):
    with open(WORK / path, newline='') as f:
        return list(csv.DictReader(f))


def enhance(*args, **options):
    return cawe('enhance', '--method', 'none', *args, **options)


def detect(films, out, *args, **options):
    return cawe('detect', '--weights', 'run', '--input', films, '--out', out, '--threshold', 0, *args, **options)


def make_run():
    metadata, boxes = 'image,patient,l\n', 'patientId,x,y,width,height,Target\n'
    for i in range(12):
        png('data/images/im%d.png' % i, i)
        metadata += 'im%d.png,person %d,%d\n' % (i, i, i % 2)
        boxes += 'im%d,10,10,20,20,1\n' % i if i % 2 else 'im%d,,,,,0\n' % i
    (WORK / 'data/metadata.csv').write_text(metadata)
    (WORK / 'data/boxes.csv').write_text(boxes)
    (WORK / 'r.toml').write_text(RECIPE)
    cawe('train', 'r.toml', '--out', 'run', '--quiet')
    text = RECIPE[:RECIPE.index('[image]')].replace('retinanet', 'classifier').replace('boxes = "boxes.csv"\n', '')
    (WORK / 'c.toml').write_text(text + '[image]\nsize = 64\n[model]\ndepth = 18\nwidth = 8\noutput_stride = 16\n'
                                 'dilate = false\n'
                                 '[train]\nsteps = 2\nbatch = 4\nlr = 1e-3\n')
    cawe('train', 'c.toml', '--out', 'cls', '--set', 'data.train_folds=["train","val","test"]', '--set',
         'data.val_folds=[]', '--set', 'data.test_folds=[]', '--quiet')

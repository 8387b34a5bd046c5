# SPDX-License-Identifier: Apache-2.0
"""A study of 40 procedural films and networks of some thousand weights, for tests of what a study does around its training."""
from common import WORK, cawe

DATA = """[data]
root = "data"
labels_csv = "metadata.csv"
label_columns = ["nodule", "consolidation"]
images = "images"
split = "patient"
test = 0.3
val = 0.0
"""
NETWORK = """[image]
size = 32
[model]
depth = 18
width = 4
"""
DETECTOR = 'task = "retinanet"\n' + DATA + 'boxes = "stage_2_train_labels.csv"\n' + NETWORK + """channels = 8
head_convs = 1
[train]
steps = 1
batch = 2
"""
# With the boxes, by which persons are stratified, so that both draw the same split.
CLASSIFIER = 'task = "classifier"\n' + DATA + 'boxes = "stage_2_train_labels.csv"\n' + NETWORK + """output_stride = 16
dilate = false
[train]
steps = 1
batch = 2
"""
STUDY = """task = "study"
retinanet = "detector.toml"
classifier = "classifier.toml"
pretrained = false
detectors = ["retinanet"]
rows = ["none", "cawe"]
controls = []
again = false
panels = 1
[boot]
draws = 20
"""


def study(out, *args, code=0, says=()):
    done = cawe('study', 'study.toml', '--out', out, *args, code=code)
    for part in says:
        assert part in done.stderr, '%r is not in\n%s' % (part, done.stderr)
    return done


def rows_of(csv_file):
    lines = csv_file.read_text().splitlines()
    return [dict(zip(lines[0].split(','), line.split(','))) for line in lines[1:]]


def make():
    """The films and recipes, in the test's folder."""
    cawe('phantom', '--out', 'data', '--images', 40, '--size', 32)
    (WORK / 'study.toml').write_text(STUDY)
    (WORK / 'detector.toml').write_text(DETECTOR)
    (WORK / 'classifier.toml').write_text(CLASSIFIER)

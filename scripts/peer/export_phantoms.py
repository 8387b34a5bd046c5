#!/usr/bin/env python3
"""Turns the peer's phantoms (an .npz with x [n, px, px] u8, b boxes, l labels) into a folder that cawe reads.

usage: export_phantoms.py PHANTOMS.npz OUT_DIR [TRAIN_COUNT]

Writes images/NNNN.png, boxes_rsna.csv (patientId,x,y,width,height,Target), metadata.csv (image, patient, one column
a lesion kind) and split.csv (image,patient,fold): the first TRAIN_COUNT (default 2000) images train, the rest test.
Needs numpy and Pillow.
"""
import csv
import pathlib
import sys

import numpy as np
from PIL import Image

KINDS = ("nodule", "consolidation", "infiltrate")


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    data = np.load(sys.argv[1], allow_pickle=True)
    out = pathlib.Path(sys.argv[2])
    train = int(sys.argv[3]) if len(sys.argv) == 4 else 2000
    (out / "images").mkdir(parents=True)
    with open(out / "boxes_rsna.csv", "w", newline="") as boxes_file, \
            open(out / "metadata.csv", "w", newline="") as meta_file, \
            open(out / "split.csv", "w", newline="") as split_file:
        boxes, meta, split = csv.writer(boxes_file), csv.writer(meta_file), csv.writer(split_file)
        boxes.writerow(["patientId", "x", "y", "width", "height", "Target"])
        meta.writerow(["image", "patient", *KINDS])
        split.writerow(["image", "patient", "fold"])
        for i, (pixels, lesions, labels) in enumerate(zip(data["x"], data["b"], data["l"])):
            name = f"{i:04d}"
            Image.fromarray(pixels).save(out / "images" / f"{name}.png")
            for x1, y1, x2, y2 in lesions:
                boxes.writerow([name, x1, y1, x2 - x1, y2 - y1, 1])
            if len(lesions) == 0:
                boxes.writerow([name, "", "", "", "", 0])
            meta.writerow([f"{name}.png", name, *[int(v) for v in labels]])
            split.writerow([name, name, "train" if i < train else "test"])


main()

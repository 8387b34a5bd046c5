# SPDX-License-Identifier: Apache-2.0
"""Goldens for tests/models/enhance_test.cpp: OpenCV's CLAHE on a Philox-made picture, as FNV-1a hashes.

usage: python3 scripts/goldens/clahe.py [tests/goldens/clahe.txt]   (opencv-python-headless from PyPI)
"""
import sys

import cv2
import numpy as np

from philox import Random

CASES = [(64, 64, 8, 8, 2.0), (128, 96, 8, 8, 2.0), (100, 75, 8, 8, 2.0), (64, 60, 8, 8, 3.5), (50, 61, 4, 3, 40.0),
         (64, 64, 2, 2, 0.0)]


def picture(rows, columns):
    noise = (Random(5, 'clahe').bits(rows * columns) >> np.uint32(25)).reshape(rows, columns)
    return (np.arange(columns) * 128 // columns + noise).astype(np.uint8)


def fnv(values):
    h = 0xCBF29CE484222325
    for v in values.reshape(-1).tolist():
        h = ((h ^ v) * 0x100000001B3) & ((1 << 64) - 1)
    return h


with open(sys.argv[1] if len(sys.argv) > 1 else 'tests/goldens/clahe.txt', 'w') as out:
    for rows, columns, tiles_y, tiles_x, clip in CASES:
        y = cv2.createCLAHE(clipLimit=clip, tileGridSize=(tiles_x, tiles_y)).apply(picture(rows, columns))
        first = ' '.join(str(v) for v in y.reshape(-1)[:8])
        out.write('%d %d %d %d %g %016x %s\n' % (rows, columns, tiles_y, tiles_x, clip, fnv(y), first))

#!/usr/bin/env python3
"""Golden values for tests/data/resize_test.cpp: what Pillow's and PyTorch's resizing give on a made-up picture.

usage: resize.py > tests/goldens/resize.txt

Input pixel (x, y) is (37 x + 91 y + 13 x y) mod 256, which the test computes itself. One case a block:
NAME IN_W IN_H OUT_W OUT_H, then the values of the output row by row. Names: pillow_f (mode "F", values / 255),
pillow_l (mode "L", whole numbers), torch_bilinear (align_corners=False, no antialias), torch_area. Needs numpy,
Pillow, torch.
"""
import numpy as np
import torch
from PIL import Image

CASES = [(23, 17, 9, 8), (33, 27, 40, 37), (16, 16, 16, 5), (7, 33, 21, 11), (64, 48, 5, 3), (64, 64, 16, 16)]


def picture(width, height):
    y, x = np.mgrid[0:height, 0:width]
    return ((37 * x + 91 * y + 13 * x * y) % 256).astype(np.uint8)


def show(name, case, values):
    print(name, *case)
    print(*(f"{v:.9g}" for v in np.asarray(values).ravel()))


for case in CASES:
    in_w, in_h, out_w, out_h = case
    pixels = picture(in_w, in_h)
    unit = pixels.astype(np.float32) / np.float32(255)
    show("pillow_f", case, Image.fromarray(unit, mode="F").resize((out_w, out_h), Image.BILINEAR))
    if in_w * out_h >= in_h * out_w:  # else Pillow 13 may take the vertical pass first: other roundings
        show("pillow_l", case, Image.fromarray(pixels, mode="L").resize((out_w, out_h), Image.BILINEAR))
    batch = torch.tensor(unit, dtype=torch.float64)[None, None]  # its float32 coordinates are off by 1e-6
    plain = torch.nn.functional.interpolate(batch, (out_h, out_w), mode="bilinear", align_corners=False)
    show("torch_bilinear", case, plain[0, 0])
    if in_w % out_w == 0 and in_h % out_h == 0:
        show("torch_area", case, torch.nn.functional.interpolate(batch, (out_h, out_w), mode="area")[0, 0])
area = (24, 12, 6, 4)
batch = torch.tensor(picture(24, 12).astype(np.float32) / 255)[None, None]
show("torch_area", area, torch.nn.functional.interpolate(batch, (4, 6), mode="area")[0, 0])

# SPDX-License-Identifier: Apache-2.0
"""Goldens of autograd/rows/detection.cpp: decisions by torchvision, image by image; draws by NumPy."""
import numpy as np
import torch
import torchvision
from torchvision.models.detection._utils import BoxCoder, Matcher

from philox import Random


def corners(numbers, shape, purpose):
    """boxes() of rows/detection.cpp."""
    raw = numbers((int(np.prod(shape)) // 4, 4), purpose, 0, 1)
    corner = raw[:, :2] * 80
    return torch.cat([corner, corner + 3 + raw[:, 2:] * 17], 1).reshape(shape)


def truth(numbers, n, real, ignored):
    """Boxes and ignored regions of each image."""
    both = corners(numbers, (n, real + ignored, 4), 'truth')
    return both[:, :real], both[:, real:]


def turns(n, each):
    return (torch.arange(n * each) * 5 % 7 - 2).reshape(n, each)


def padded(rows, width, fill):
    out = torch.full((len(rows), width) + rows[0].shape[1:], fill, dtype=rows[0].dtype)
    for to, row in zip(out, rows):
        to[:len(row)] = row
    return out


def filtered(numbers, decoded, smallest):
    """What the row keeps of its candidates; in f32, the type of the choice."""
    chosen = torch.arange(0, 600, 3) * 7 % 600
    scores = numbers((200, 3), 'filter scores', 0, 1).flatten()[chosen]
    boxes = torchvision.ops.clip_boxes_to_image(decoded, (90, 100))[chosen // 3]
    large = torchvision.ops.remove_small_boxes(boxes, smallest)
    kept = large[scores[large] > 0.3]
    return boxes[kept], scores[kept], (chosen % 3)[kept]


def filtered_by_class(numbers):
    """All candidates of two images, class by class, in parts of 20, 25 and 15 anchors."""
    scores = numbers((2, 60, 2), 'filter scores', 0, 1)
    deltas = numbers((2, 60, 2, 4), 'deltas', -3, 3)
    anchors = corners(numbers, (2, 60, 4), 'anchors')
    part = torch.bucketize(torch.arange(60), torch.tensor([20, 45]), right=True)
    boxes, kept, classes, counts = [], [], [], []
    for i in range(2):
        of_class = [torchvision.ops.clip_boxes_to_image(
            BoxCoder((10, 10, 5, 5)).decode_single(deltas[i, :, c], anchors[i]), (90, 100)) for c in range(2)]
        passing = [torch.nonzero(scores[i, :, c] > 0.3)[:, 0] for c in range(2)]
        boxes.append(torch.cat([of_class[c][passing[c]] for c in range(2)]))
        kept.append(torch.cat([scores[i, passing[c], c] for c in range(2)]))
        classes.append(torch.cat([part[passing[c]] for c in range(2)]))
        counts.append(len(kept[-1]))
    return padded(boxes, 120, 0), padded(kept, 120, 0), padded(classes, 120, 0), torch.tensor(counts)


def best_of_parts(numbers):
    x = numbers((2, 500), 'top k')
    rows = []
    for i in range(2):
        begin = 0
        for size in (300, 150, 50):
            best = x[i, begin:begin + size].topk(min(60, size)).indices + begin + 500 * i
            rows.append(best)
            begin += size
    return padded(rows, 60, -1)


def suppressed(numbers):
    boxes, scores = corners(numbers, (2, 200, 4), 'nms'), numbers((2, 200), 'scores', 0, 1)
    classes = (torch.arange(400) % 3).reshape(2, 200)
    kept = [torchvision.ops.batched_nms(boxes[i, :n], scores[i, :n], classes[i, :n], 0.3)[:50] + 200 * i
            for i, n in ((0, 200), (1, 120))]
    return padded(kept, 50, -1)


def matched_with_regions(numbers):
    """Background that would match a region, or lies half on one, is left out."""
    anchors, (boxes, regions) = corners(numbers, (2, 150, 4), 'anchors'), truth(numbers, 2, 7, 3)
    matcher = Matcher(0.5, 0.4, allow_low_quality_matches=True)
    rows = []
    for i, n in ((0, 150), (1, 90)):
        mine = anchors[i, :n]
        m = matcher(torchvision.ops.box_iou(boxes[i], mine))
        near = matcher(torchvision.ops.box_iou(regions[i], mine)) != -1
        low = torch.maximum(mine[:, None, :2], regions[i][None, :, :2])
        high = torch.minimum(mine[:, None, 2:], regions[i][None, :, 2:])
        inside = (high - low).clamp(min=0).prod(2) >= 0.5 * torchvision.ops.box_area(mine)[:, None]
        m[(m == -1) & (near | inside.any(1))] = -2
        rows.append(m)
    return padded(rows, 150, -2)


def matched_inside(numbers):
    """Only anchors inside an image of 90 x 70 are matched; the others are left out. Of a box that none of them touches
    torchvision would make every untouched anchor the best one; here it is nobody's."""
    anchors, (boxes, _) = corners(numbers, (300, 4), 'anchors'), truth(numbers, 2, 7, 0)
    inside = (anchors >= 0).all(1) & (anchors[:, 2] <= 90) & (anchors[:, 3] <= 70)
    matcher, rows = Matcher(0.5, 0.4, allow_low_quality_matches=True), torch.full((2, 300), -2)
    for row, real in zip(rows, boxes):
        overlaps = torchvision.ops.box_iou(real, anchors[inside])
        touched = torch.nonzero(overlaps.amax(1) > 0)[:, 0]
        m = matcher(overlaps[touched])
        row[inside] = torch.where(m >= 0, touched[m.clamp(min=0)], m)
    return rows


def sampled(each, count):
    matched = turns(2, each)
    drawn, chosen = torch.full_like(matched, -2), []
    for i, key in enumerate(((1, 2, 3), (4, 5, 6))):
        bits = Random(key[0], 'rows', key[1], key[2]).bits(each).astype(np.int64)
        numbers = torch.from_numpy(bits)

        def smallest(candidates, most):
            order = numbers[candidates].argsort(stable=True)[:most]
            return candidates[order].sort().values

        foreground = smallest(torch.nonzero(matched[i] >= 0)[:, 0], 16)
        background = smallest(torch.nonzero(matched[i] == -1)[:, 0], count - len(foreground))
        both = torch.cat([foreground, background])
        drawn[i, both] = matched[i, both]
        chosen.append(both + each * i)
    return drawn, padded(chosen, count, -1)


def targets(numbers, variant):
    matched, (boxes, _) = turns(2, 50), truth(numbers, 2, 5, 1)
    if variant == 0:
        anchors, chosen, weights = corners(numbers, (50, 4), 'anchors').expand(2, 50, 4), None, (10, 10, 5, 5)
    else:
        anchors, weights = corners(numbers, (2, 50, 4), 'anchors'), (1, 1, 1, 1)
        i = torch.arange(40)
        chosen = torch.where(i % 20 > 16, -1, i * 9 % 50).reshape(2, 20)
    outs = []
    for n in range(2):
        m, a = matched[n], anchors[n]
        if chosen is not None:
            m, a = torch.where(chosen[n] < 0, -2, m[chosen[n]]), a[chosen[n].clamp(min=0)]
        label = torch.where(m >= 0, m % 3, -1)
        deltas = BoxCoder(weights).encode_single(boxes[n, m.clamp(min=0)], a) * (m >= 0)[:, None]
        real = deltas.dtype
        classes = (label[:, None] == torch.arange(3)).to(real)
        classes[m == -2] = -1
        rows = (len(m) * n + torch.arange(len(m))) * 4 + label + 1
        outs.append(((m >= 0).to(real), deltas, (m != -2).to(real), classes if variant == 0 else rows))
    return [torch.stack(part) for part in zip(*outs)]


def joined(numbers, with_truth):
    boxes, (real, _) = corners(numbers, (2, 10, 4), 'regions'), truth(numbers, 2, 5, 1)
    rows = [boxes[0, [3, 0, 9]], boxes[1, [2, 9, 5, 0, 1]]]
    if with_truth:
        rows = [torch.cat(pair) for pair in zip(rows, real)]
    return padded(rows, 14 if with_truth else 6, 0), torch.tensor([len(r) for r in rows])


def placed(numbers):
    side = torchvision.ops.box_area(corners(numbers, (60, 4), 'regions')).sqrt()
    level = sum((side >= least).to(torch.int32) for least in (7.5, 10, 14))
    level[turns(2, 30).flatten() < 0] = -1
    return torch.stack([torch.arange(60) // 30, level], 1).reshape(2, 30, 2)


def detection(put, numbers):
    coder = BoxCoder((10, 10, 5, 5))
    decoded = coder.decode_single(numbers((200, 4), 'deltas', -3, 3), corners(numbers, (200, 4), 'anchors'))
    overlaps = torchvision.ops.box_iou(corners(numbers, (7, 4), 'truth'), corners(numbers, (300, 4), 'anchors'))
    for v in (0, 1):
        put('match_anchors', v, Matcher(0.5, 0.4, allow_low_quality_matches=v == 0)(overlaps))
        put('decode_filtered', v, *filtered(numbers, decoded, 0 if v == 0 else 9))
        classes = torch.zeros(400, dtype=torch.int64) if v == 0 else torch.arange(400) % 3
        put('nms', v, torchvision.ops.batched_nms(corners(numbers, (400, 4), 'nms'), numbers((400,), 'scores', 0, 1),
                                                  classes, 0.3))
        put('top_k', v, numbers((1000,), 'top k').topk(37 if v == 0 else 1000).indices)
        put('sample_matches', v, *(sampled(301, 64) if v == 0 else sampled(40, 48)))
        put('match_targets', v, *targets(numbers, v))
        put('join_boxes', v, *joined(numbers, v == 0))
    put('match_anchors', 2, matched_with_regions(numbers))
    put('match_anchors', 3, matched_inside(numbers))
    put('decode_filtered', 2, *filtered_by_class(numbers))
    put('nms', 2, suppressed(numbers))
    put('top_k', 2, best_of_parts(numbers))
    put('place_regions', 0, placed(numbers))

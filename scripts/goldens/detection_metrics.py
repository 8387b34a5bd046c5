#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers for eval/{jafroc,lroc,calibration,operating_point}.h, the second FROC rule and the thirds of lesion sizes:
a second implementation in NumPy, by other ways than the program's (areas by trapezoids or by all pairs, drawn images by
repeating the films). Its films and detections are made from Philox, here and in tests/eval/philox_films.h, so that none
are stored. Writes tests/goldens/detection_metrics.json. Needs numpy.
"""
import json
import pathlib

import numpy as np
from philox import Random

CASES = {  # seed, films, fewest and most lesions of a film
    "usual": (1, 60, 0, 3),
    "one_lesion": (2, 60, 0, 1),
    "no_lesion_free": (3, 25, 1, 2),
    "no_lesion": (4, 12, 0, 0),
    "one_film": (6, 1, 2, 2),
    "one_lesion_no_lesion_free": (7, 20, 1, 1),
}
RULES = {  # rule, duplicates count as false
    "iou": ("iou", False),
    "iou_fp": ("iou", True),
    "overlap_or_centre": ("overlap_or_centre", False),
}
WIDTH, HEIGHT = 256, 192


def film(seed, index, fewest, most):
    """Lesions and (box, score) of a film; a box is x1, y1, x2, y2. Whole numbers and 32nds: exact in any order."""
    stream = iter(Random(seed, "test.philox_films", index).uniform(400))

    def whole(low, high):
        return low + int(next(stream) * (high - low + 1))

    lesions, detections = [], []
    for _ in range(whole(fewest, most)):
        x, y, w, h = whole(0, 150), whole(0, 90), whole(16, 60), whole(16, 60)
        lesions.append((x, y, x + w, y + h))
        for _ in range(whole(0, 2)):
            dx, dy, dw, dh = whole(-9, 9), whole(-9, 9), whole(-6, 6), whole(-6, 6)
            box = (x + dx, y + dy, x + dx + w + dw, y + dy + h + dh)
            detections.append((box, whole(6, 32) / 32))
    for _ in range(whole(0, 5)):
        x, y, w, h = whole(0, 200), whole(0, 140), whole(12, 50), whole(12, 50)
        detections.append(((x, y, x + w, y + h), whole(0, 24) / 32))
    return lesions, detections


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inter = w * h if w > 0 and h > 0 else 0
    area = lambda c: (c[2] - c[0]) * (c[3] - c[1])
    return inter / (area(a) + area(b) - inter)


def judge(lesions, detections, rule, duplicates_false):
    """One film: ratings of its lesions (-inf: not found), scores of its false positives, and every counted detection as
    (score, right)."""
    ratings, false, items = [-np.inf] * len(lesions), [], []
    for k in sorted(range(len(detections)), key=lambda k: (-detections[k][1], k)):
        box, score = detections[k]
        overlaps = np.array([iou(box, lesion) for lesion in lesions])
        accepted = overlaps >= (0.5 if rule == "iou" else 0.2)
        if rule == "overlap_or_centre":
            x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            accepted |= np.array([l[0] <= x <= l[2] and l[1] <= y <= l[3] for l in lesions], bool)
        free = [i for i in range(len(lesions)) if accepted[i] and ratings[i] == -np.inf]
        if free:
            ratings[max(free, key=lambda i: (overlaps[i], -i))] = score
            items.append((score, 1))
        elif not accepted.any() or duplicates_false:
            false.append(score)
            items.append((score, 0))
    return ratings, false, items


def afroc(films, weighted, all_films):
    """By trapezoids under the curve of lesions found against films with a false positive, from (0, 0) to (1, 1)."""
    negative = [max(f[1], default=-np.inf) for f in films if all_films or not f[0]]
    diseased = [f[0] for f in films if f[0]]
    if not negative or not diseased:
        return None
    y = np.concatenate([np.array(r) for r in diseased])
    w = np.concatenate([np.full(len(r), 1 / len(r) if weighted else 1.0) for r in diseased])
    x = np.array(negative)
    thresholds = sorted({t for t in np.concatenate([x, y]) if np.isfinite(t)}, reverse=True)
    fpf = [0.0] + [np.mean(x >= t) for t in thresholds] + [1.0]
    llf = [0.0] + [w[y >= t].sum() / w.sum() for t in thresholds] + [1.0]
    return float(np.trapezoid(llf, fpf))


def curve(films):
    """(x, sensitivity) at every distinct score, counted from scratch at each."""
    y = np.array([r for f in films for r in f[0]])
    false = np.array([s for f in films for s in f[1]])
    scores = sorted({*y[np.isfinite(y)], *false}, reverse=True)
    return [(np.sum(false >= t) / len(films), np.mean(y >= t)) for t in scores]


def sens(films, n):
    if not any(f[0] for f in films):
        return None
    return float(max([s for x, s in curve(films) if x <= n], default=0.0))


def froc_area(films, limit):
    """The mean of Sens@x over 0 <= x < limit: it is constant between the distinct x."""
    if not any(f[0] for f in films):
        return None
    knots = sorted({0.0, limit, *[x for x, _ in curve(films) if x < limit]})
    return float(sum(sens(films, a) * (b - a) for a, b in zip(knots, knots[1:])) / limit)


def lroc(films):
    """Area by all pairs, and correct localisation; None where a film has several lesions or none has one."""
    if any(len(f[0]) > 1 for f in films) or not any(f[0] for f in films):
        return None, None
    right = []  # (rating, share) of films with a lesion
    for ratings, false, _ in films:
        if ratings:
            top = max(false, default=-np.inf)
            share = 0 if ratings[0] == -np.inf or ratings[0] < top else 0.5 if ratings[0] == top else 1
            right.append((ratings[0], share))
    negative = [max(f[1], default=-np.inf) for f in films if not f[0]]
    pairs = [share * ((r > n) + 0.5 * (r == n)) for r, share in right for n in negative]
    return (float(np.mean(pairs)) if negative else None), float(np.mean([s for _, s in right]))


def calibration(whole, drawn, bins=10):
    """whole: (score, outcome) of the set, by which bins of equal count are made; drawn: those that are measured, as
    (index into whole)."""
    if len(whole) == 0:
        return None
    s, o = np.array([i[0] for i in whole], float), np.array([i[1] for i in whole], float)
    edges = np.arange(1, bins) / bins
    by_width = np.searchsorted(edges, s, side="right")
    rank = np.searchsorted(np.sort(s), s, side="left")  # of the first of equal scores
    result = {}
    for name, bin_of in (("width", by_width), ("count", (rank * bins) // len(s))):
        gaps, counts = [], []
        for b in range(bins):
            inside = [i for i in drawn if bin_of[i] == b]
            if inside:
                counts.append(len(inside))
                gaps.append(abs(o[inside].mean() - s[inside].mean()))
        result[name] = {"ece": float(np.average(gaps, weights=counts)), "mce": float(np.max(gaps)), "bins": len(gaps)}
    result["brier"] = float(np.mean((s[drawn] - o[drawn]) ** 2))
    return result


def at_threshold(films, t):
    found = sum(r >= t for f in films for r in f[0])
    lesions = sum(len(f[0]) for f in films)
    false = sum(s >= t for f in films for s in f[1])
    return [found / lesions if lesions else None, false / len(films)]


def figures(films, drawn):
    """films: judged ones; drawn: indices of those that are measured, with repetitions."""
    part = [films[i] for i in drawn]
    item_of = np.cumsum([0] + [len(f[2]) for f in films])
    items = [i for f in drawn for i in range(item_of[f], item_of[f + 1])]
    area, localised = lroc(part)
    return {"jafroc": afroc(part, False, False), "wafroc": afroc(part, True, False),
            "jafroc1": afroc(part, False, True), "wafroc1": afroc(part, True, True),
            "froc_area": [froc_area(part, limit) for limit in (0.25, 1.0, 4.0, 8.0)],
            "lroc": area, "correct_localisation": localised,
            "sens": [sens(part, n) for n in (1, 2, 3, 4)], "at_half": at_threshold(part, 0.5),
            "calibration": calibration([i for f in films for i in f[2]], items)}


def chosen_threshold(films, wanted):
    for t in sorted({s for f in films for s in [*f[1], *f[0]] if np.isfinite(s)}, reverse=True):
        if sum(s >= t for f in films for s in f[1]) / len(films) >= wanted:
            return float(t)
    return None


def thirds(made):
    """Limits and numbers of lesions of the thirds by side over the film's."""
    sizes = np.sort([np.sqrt((b[2] - b[0]) * (b[3] - b[1]) / (WIDTH * HEIGHT)) for lesions, _ in made for b in lesions])
    if len(sizes) == 0:
        return None
    low, high = sizes[int(np.ceil(len(sizes) / 3)) - 1], sizes[int(np.ceil(2 * len(sizes) / 3)) - 1]
    return {"limits": [float(low), float(high)],
            "lesions": [int(np.sum(sizes <= low)), int(np.sum((sizes > low) & (sizes <= high))), int(np.sum(sizes > high))]}


def main():
    golden = {}
    for name, (seed, count, fewest, most) in CASES.items():
        made = [film(seed, i, fewest, most) for i in range(count)]
        times = [int(3 * u) for u in Random(seed, "test.philox_weights").uniform(count)]
        repeated = [i for i in range(count) for _ in range(times[i])] or [0]
        golden[name] = {"films": count, "detections": sum(len(d) for _, d in made), "thirds": thirds(made)}
        for rule, (kind, duplicates_false) in RULES.items():
            films = [judge(l, d, kind, duplicates_false) for l, d in made]
            golden[name][rule] = {"whole": figures(films, list(range(count))), "drawn": figures(films, repeated),
                                  "threshold_at_1": chosen_threshold(films, 1)}
    out = pathlib.Path(__file__).resolve().parents[2] / "tests/goldens/detection_metrics.json"
    out.write_text(json.dumps(golden) + "\n")
    print(out, out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()

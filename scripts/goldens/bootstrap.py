#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers of eval/bootstrap.h, eval/methods.h and eval/student_t.h: a second way to every interval and p.

Films and runs are those of tests/eval/made_up_runs.h, made again here from the same random streams; matching, curves,
average precision, draws, quantiles and variances are NumPy's, distributions SciPy's. Writes tests/goldens/bootstrap.json.
Needs numpy, scipy.
"""
import json
import pathlib

import numpy as np
from philox import Random
from scipy import stats

FILMS, SEEDS, DRAWS, BOOT_SEED, LEVEL, FAMILY, POWER = 60, 5, 1000, 3, 0.95, 10, 0.8
FPS = [1, 2, 3, 4]


class Stream:
    """The elements of a stream one after another."""

    def __init__(self, *key):
        self.values, self.at = Random(*key).uniform(20000), 0

    def next(self):
        self.at += 1
        return float(self.values[self.at - 1])

    def whole(self, n):
        return float(np.floor(n * self.next()))


def films():
    r, truth = Stream(1, 'golden.truth'), []
    for i in range(FILMS):
        boxes = [(r.whole(200), r.whole(200)) for _ in range(int(r.whole(3)))]
        truth.append((i // 2 if i < 20 else i, boxes))
    return truth


def run(truth, system, seed):
    r, found = Stream(100 * system + seed, 'golden.detections'), []
    skill = 0.125 + 0.25 * system + 0.625 * r.next()
    for i, (_, boxes) in enumerate(truth):
        for x, y in boxes:
            for _ in range(2):
                hit = r.next() < skill
                dx, dy, score = r.whole(13) - 6, r.whole(13) - 6, r.whole(64)
                if hit:
                    found.append((i, x + dx, y + dy, score / 64))
        for _ in range(6):
            x, y = r.whole(220), r.whole(220)
            found.append((i, x, y, r.whole(56) / 64))
    return found


def iou(a, b):
    w = max(0.0, min(a[0], b[0]) + 32 - max(a[0], b[0]))
    h = max(0.0, min(a[1], b[1]) + 32 - max(a[1], b[1]))
    return w * h / (2048 - w * h)


def times_drawn(patients, b):
    """How often each patient is in draw b; whole numbers without modulo bias, as Random::next_below."""
    bits, limit, taken = Random(BOOT_SEED, 'eval.bootstrap', b).bits(patients + 64), (1 << 32) % patients, []
    for word in bits.tolist():
        if word >= limit and len(taken) < patients:
            taken.append(word % patients)
    return np.bincount(taken, minlength=patients)


def sens(truth, found, weights):
    """Sens@1..4 of every draw; weights [draws, films]."""
    order = sorted(range(len(found)), key=lambda k: (-found[k][3], found[k][0], k))
    known = [[False] * len(boxes) for _, boxes in truth]
    hit, false = np.zeros(len(found), bool), np.zeros(len(found), bool)
    for place, k in enumerate(order):
        i, x, y, _ = found[k]
        overlaps = [iou((x, y), box) for box in truth[i][1]]
        good = [g for g, o in enumerate(overlaps) if o >= 0.5]
        new = [g for g in good if not known[i][g]]
        false[place] = not good
        if new:
            hit[place] = True
            known[i][max(new, key=lambda g: overlaps[g])] = True
    scores = np.array([found[k][3] for k in order])
    w = weights[:, [found[k][0] for k in order]]
    ends = np.append(scores[1:] != scores[:-1], True)
    hits, falses = np.cumsum(w * hit, 1)[:, ends], np.cumsum(w * false, 1)[:, ends]
    lesions = weights @ np.array([len(boxes) for _, boxes in truth])
    rate = falses / weights.sum(1)[:, None]
    return [np.where(rate <= fp, hits, 0).max(1) / lesions for fp in FPS]


def ap50(truth, found, weights):
    rows = []
    for i, (_, boxes) in enumerate(truth):
        mine, taken = sorted((f for f in found if f[0] == i), key=lambda f: -f[3]), [False] * len(boxes)
        for _, x, y, score in mine:
            best, match = 0.5, None
            for g, box in enumerate(boxes):
                if not taken[g] and iou((x, y), box) >= best:
                    best, match = iou((x, y), box), g
            if match is not None:
                taken[match] = True
            rows.append((score, i, match is not None))
    rows.sort(key=lambda r: -r[0])
    hit = np.array([r[2] for r in rows])
    lesions = weights @ np.array([len(boxes) for _, boxes in truth])
    values = []
    for w, total in zip(weights[:, [r[1] for r in rows]], lesions):
        drawn = w > 0
        hits, seen = np.cumsum(w[drawn] * hit[drawn]), np.cumsum(w[drawn])
        envelope = np.maximum.accumulate((hits / seen)[::-1])[::-1]
        first = np.searchsorted(hits / total, 0.01 * np.arange(101), side='left')
        values.append(np.where(first < len(hits), envelope[np.minimum(first, len(hits) - 1)], 0).mean())
    return np.array(values)


def figures(truth, found, weights):
    four = sens(truth, found, weights)
    return np.array(four + [np.mean(four, 0), ap50(truth, found, weights)])


def ends(drawn):
    return np.quantile(drawn, [0.5 * (1 - LEVEL), 1 - 0.5 * (1 - LEVEL)]).tolist()


def p_of(drawn):
    drawn = np.where(np.abs(drawn) < 1e-12, 0, drawn)  # a tie, whatever the order of the sums
    return min(1.0, 2 * min(1 + int((drawn <= 0).sum()), 1 + int((drawn >= 0).sum())) / (len(drawn) + 1))


def t_test(value, error, df):
    reach = stats.t.ppf(1 - 0.5 * (1 - LEVEL), df) * error
    return {'value': value, 'low': value - reach, 'high': value + reach, 'se': error, 'df': df,
            'p': float(2 * stats.t.sf(abs(value / error), df))}


def power_of(shift, df, alpha):
    critical = stats.t.ppf(1 - alpha / 2, df)
    beyond = stats.nct.cdf(-critical, df, shift)  # SciPy has no number for some that are below 1e-12
    return float(stats.nct.sf(critical, df, shift) + np.nan_to_num(beyond))


def shift_of(df, alpha):
    low, high = 0.0, 50.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if power_of(middle, df, alpha) < POWER else (low, middle)
    return low


def two_level(drawn):
    """drawn [seeds, draws]: the mean over the seeds that each draw takes."""
    out = np.empty(drawn.shape[1])
    for b in range(drawn.shape[1]):
        limit, taken = (1 << 32) % SEEDS, []
        for word in Random(BOOT_SEED, 'eval.bootstrap.seeds', b).bits(SEEDS + 32).tolist():
            if word >= limit and len(taken) < SEEDS:
                taken.append(word % SEEDS)
        out[b] = drawn[taken, b].mean()
    return out


def method(values, drawn, patients):
    """values [seeds], drawn [seeds, draws]."""
    covariance = np.cov(drawn)
    of_seeds = values.var(ddof=1) / SEEDS
    common = covariance[~np.eye(SEEDS, dtype=bool)].mean()
    of_patients = max(common, 0)
    variance = of_seeds + of_patients
    df = variance**2 / (of_seeds**2 / (SEEDS - 1) + of_patients**2 / (patients - 1))
    mixed = t_test(values.mean(), np.sqrt(variance), df)
    rest = min(max(np.diag(covariance).mean() - of_patients, 0), of_seeds * SEEDS)
    both = two_level(drawn)
    z = stats.t.ppf(1 - 0.5 * (1 - LEVEL), df) * np.sqrt(variance) / both.std(ddof=1)
    return {'of_seed': values.tolist(), 'patients': ends(drawn.mean(0)), 'patients_p': p_of(drawn.mean(0)),
            'films_fixed': t_test(values.mean(), np.sqrt(of_seeds), SEEDS - 1), 'mixed': mixed,
            'components': [of_seeds * SEEDS - rest, of_patients, rest],
            'two_level': ends(both), 'two_level_p': p_of(both),
            'calibrated': np.quantile(both, stats.norm.cdf([-z, z])).tolist(),
            'minimum_detectable': float(np.sqrt(variance) * shift_of(df, (1 - LEVEL) / FAMILY))}


def distributions():
    out = {'p': [], 'critical': [], 'power': []}
    for df in [1, 1.7, 4, 9, 33.3, 500, 20000]:
        out['p'] += [[t, df, float(2 * stats.t.sf(t, df))] for t in [1e-3, 0.5, 1.7, 2.8, 10, 30]]
        for alpha in [0.05, 0.005, 0.3]:
            out['critical'].append([alpha, df, float(stats.t.isf(alpha / 2, df))])
            out['power'] += [[s, df, alpha, power_of(s, df, alpha)] for s in [0.5, 2.8, 6]]
    return out


def main():
    truth = films()
    names = list(dict.fromkeys(patient for patient, _ in truth))
    patients = len(names)
    times = np.array([times_drawn(patients, b) for b in range(DRAWS)])
    weights = times[:, [names.index(patient) for patient, _ in truth]]
    once = np.ones((1, FILMS), int)
    value, drawn = np.empty((2, SEEDS, 6)), np.empty((2, SEEDS, 6, DRAWS))
    for system in range(2):
        for seed in range(SEEDS):
            found = run(truth, system, seed)
            value[system, seed] = figures(truth, found, once)[:, 0]
            drawn[system, seed] = figures(truth, found, weights)
    golden = {'seeds': SEEDS, 'draws': DRAWS, 'boot_seed': BOOT_SEED, 'family': FAMILY, 'patients': patients,
              'first_draw': weights[0].tolist(),
              'runs': [[{'value': value[m, s].tolist(), 'intervals': [ends(d) for d in drawn[m, s]]}
                        for s in range(SEEDS)] for m in range(2)],
              'one_seed': [{'interval': ends(drawn[1, 0, k] - drawn[0, 0, k]), 'p': p_of(drawn[1, 0, k] - drawn[0, 0, k])}
                           for k in range(6)],
              'system': [method(value[1, :, k], drawn[1, :, k], patients) for k in range(6)],
              'difference': [method(value[1, :, k] - value[0, :, k], drawn[1, :, k] - drawn[0, :, k], patients)
                             for k in range(6)],
              'distributions': distributions()}
    out = pathlib.Path(__file__).resolve().parents[2] / 'tests/goldens/bootstrap.json'
    out.write_text(json.dumps(golden) + '\n')
    print(out, out.stat().st_size, 'bytes')


if __name__ == '__main__':
    main()

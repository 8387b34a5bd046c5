#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers for the metrics in eval/, made by other people's code or by a second way of computing them.

COCO figures: pycocotools. SSIM: torch convolution with a two-dimensional window. Frechet distance: eigenvalues of
the plain product S1 S2. t-SNE: written with NumPy arrays from the paper, in another order of operations.
Writes tests/goldens/eval_metrics.json. Needs numpy, torch, pycocotools. JAFROC, LROC, calibration and what else needs numpy alone:
detection_metrics.py.
"""
import contextlib
import io
import json
import pathlib

import numpy as np
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def coco_case(rng):
    """Twelve images, three labels, all sizes, crowds, ties of scores, many detections on one image."""
    images = [{"id": i + 1, "width": 400, "height": 400} for i in range(12)]
    annotations, detections = [], []
    for image in images:
        for _ in range(rng.integers(0, 6)):
            w, h = rng.choice([12, 25, 50, 110, 170], 2) + rng.integers(0, 8, 2)
            x, y = rng.integers(0, 400 - w), rng.integers(0, 400 - h)
            annotations.append({"id": len(annotations) + 1, "image_id": image["id"], "category_id": int(rng.integers(1, 4)),
                                "bbox": [int(x), int(y), int(w), int(h)], "area": float(w * h) * rng.choice([1, 0.7]),
                                "iscrowd": int(rng.random() < 0.15)})
            for _ in range(rng.integers(0, 4)):
                shake = rng.normal(0, 0.12, 4) * [w, h, w, h]
                box = np.round(np.array([x, y, w, h]) + shake, 2)
                box[2:] = np.maximum(box[2:], 2)
                label = annotations[-1]["category_id"] if rng.random() < 0.9 else int(rng.integers(1, 4))
                detections.append({"image_id": image["id"], "category_id": label, "bbox": box.tolist(),
                                   "score": float(rng.integers(1, 20)) / 20})
    for _ in range(130):  # more than 100 on one image and label
        x, y, w, h = rng.integers(0, 300), rng.integers(0, 300), rng.integers(5, 99), rng.integers(5, 99)
        detections.append({"image_id": 3, "category_id": 2, "bbox": [int(x), int(y), int(w), int(h)],
                           "score": float(rng.integers(1, 100)) / 100})
    truth = {"images": images, "annotations": annotations, "categories": [{"id": k, "name": str(k)} for k in (1, 2, 3)]}
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes([dict(d) for d in detections]), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return {"truth": truth, "detections": detections, "expected": run.stats.tolist()}


def ssim(a, b):
    x = torch.arange(11, dtype=torch.float64) - 5
    line = torch.exp(-0.5 * (x / 1.5) ** 2)
    window = torch.outer(line, line)
    window = (window / window.sum())[None, None]

    def mean(p):
        return torch.nn.functional.conv2d(p[:, None], window)

    a, b = torch.tensor(a), torch.tensor(b)
    ma, mb = mean(a), mean(b)
    va, vb, cov = mean((a - 0.5) ** 2) - (ma - 0.5) ** 2, mean((b - 0.5) ** 2) - (mb - 0.5) ** 2, mean(a * b) - ma * mb
    c1, c2 = 0.01**2, 0.03**2
    return float((((2 * ma * mb + c1) * (2 * cov + c2)) / ((ma**2 + mb**2 + c1) * (va + vb + c2))).mean())


def picture_case(rng):
    a = rng.random((3, 17, 20)).round(4)
    b = np.clip(a + rng.normal(0, 0.1, a.shape), 0, 1).round(4)
    r, g, blue = 255 * a
    rg, yb = r - g, (r + g) / 2 - blue
    return {"shape": list(a.shape), "a": a.ravel().tolist(), "b": b.ravel().tolist(),
            "psnr": float(10 * np.log10(1 / np.mean((a - b) ** 2))), "ssim": ssim(a, b),
            "colourfulness": float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))}


def frechet_case(rng):
    a = rng.normal(0, 1, (30, 6)).round(4)
    b = (rng.normal(0.3, 1, (25, 6)) @ rng.normal(0, 0.6, (6, 6))).round(4)
    sa, sb = np.cov(a.T), np.cov(b.T)
    root = np.sqrt(np.maximum(np.linalg.eigvals(sa @ sb).real, 0)).sum()
    value = np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(sa) + np.trace(sb) - 2 * root
    return {"dim": 6, "a": a.ravel().tolist(), "b": b.ravel().tolist(), "expected": float(value)}


def auroc_case(rng):
    scores = rng.integers(0, 12, 60) / 12
    labels = rng.integers(0, 2, 60)
    pairs = [(p > n) + 0.5 * (p == n) for p in scores[labels == 1] for n in scores[labels == 0]]
    return {"scores": scores.tolist(), "labels": labels.tolist(), "expected": float(np.mean(pairs))}


def tsne_case(rng):
    x = np.concatenate([rng.normal(c, 1, (20, 5)) for c in ([0] * 5, [4, 0, 0, 0, 0], [0, 4, 4, 0, 0])])
    x = (np.round(x * 64) / 64)  # exact in float32
    n, perplexity = len(x), 12.0
    d = ((x[:, None] - x[None]) ** 2).sum(-1)
    p = np.zeros((n, n))
    for i in range(n):
        rest = np.delete(d[i], i)
        low, high = 1e-9, 1e9
        for _ in range(300):  # bisection in the logarithm
            beta = np.sqrt(low * high)
            e = np.exp(-beta * (rest - rest.min()))
            e /= e.sum()
            entropy = -np.sum(e * np.log(np.maximum(e, 1e-300)))
            low, high = (beta, high) if entropy > np.log(perplexity) else (low, beta)
        p[i, np.arange(n) != i] = e
    p = (p + p.T) / (2 * n)
    centred = x - x.mean(0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    y = (u * s)[:, :2]
    y *= np.sign(u[np.abs(u[:, :2]).argmax(0), [0, 1]])
    y *= 1e-4 / y[:, 0].std()

    def forces(y):
        k = 1 / (1 + ((y[:, None] - y[None]) ** 2).sum(-1))
        np.fill_diagonal(k, 0)
        return k, k / k.sum()

    def kl(y):
        _, q = forces(y)
        return float(np.sum(p[p > 0] * np.log(p[p > 0] / q[p > 0])))

    result = {"n": n, "dim": 5, "perplexity": perplexity, "features": x.ravel().tolist(), "p_row0": p[0].tolist(),
              "kl_start": kl(y), "start": y.ravel().tolist()}
    speed, gain = np.zeros_like(y), np.ones_like(y)
    for step in range(1000):
        k, q = forces(y)
        m = ((12 if step < 250 else 1) * p - q) * k
        grad = 4 * (np.diag(m.sum(1)) - m) @ y
        gain = np.where(speed * grad < 0, gain + 0.2, np.maximum(gain * 0.8, 0.01))
        speed = (0.5 if step < 250 else 0.8) * speed - 50 * gain * grad
        y = y + speed
        if step in (9, 29):
            result[f"kl_{step + 1}"] = kl(y)
    result["kl"], result["points"] = kl(y), y.ravel().tolist()
    return result


def main():
    rng = np.random.default_rng(20240901)
    golden = {"coco": [coco_case(rng) for _ in range(2)], "picture": picture_case(rng), "frechet": frechet_case(rng),
              "auroc": auroc_case(rng), "tsne": tsne_case(rng)}
    out = pathlib.Path(__file__).resolve().parents[2] / "tests/goldens/eval_metrics.json"
    out.write_text(json.dumps(golden) + "\n")
    print(out, out.stat().st_size, "bytes")


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""What the report must show, computed independently: fusion (Eq. 7 of the paper), the table's order, readings of a curve."""
import base64
import json
import math
import struct
import zlib

PAPER = ["none", "afda", "medga", "color", "cawe", "color+cawe"]


def read_png(text):
    """Width, height, channels and bytes of an 8-bit PNG whose rows have filter 0 or 1."""
    data = base64.b64decode(text)
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, _, colour = struct.unpack(">IIBB", body[:10])
        packed += body if kind == b"IDAT" else b""
        at += 12 + size
    channels = 3 if colour == 2 else 1
    rows, out, step = zlib.decompress(packed), bytearray(), width * channels
    for y in range(height):
        line = bytearray(rows[y * (step + 1) + 1:(y + 1) * (step + 1)])
        assert rows[y * (step + 1)] in (0, 1)
        if rows[y * (step + 1)] == 1:
            for i in range(channels, step):
                line[i] = (line[i] + line[i - channels]) & 255
        out += line
    return width, height, channels, bytes(out)


def fit_map(png, width, height):
    """The map at the picture's size, linear between its pixels' centres, rounded half up."""
    w, h, _, v = png

    def axis(n, source):
        for i in range(n):
            at = min(source - 1, max(0, (i + 0.5) * source / n - 0.5))
            low = math.floor(at)
            yield low, min(source - 1, low + 1), at - low
    xs = list(axis(width, w))
    return [math.floor((v[y0 * w + x0] * (1 - u) + v[y0 * w + x1] * u) * (1 - t) +
                       (v[y1 * w + x0] * (1 - u) + v[y1 * w + x1] * u) * t + 0.5)
            for y0, y1, t in axis(height, h) for x0, x1, u in xs]


def eq7(panel, name, alpha, level=0.5, width=1.0):
    """RGB bytes of a picture: I (alpha + (1 - alpha) L) where it is fused, then the window."""
    picture = next(p for p in panel["pictures"] if p["name"] == name)
    w, h, channels, values = read_png(panel["pngs"][picture["png"]])
    fitted = fit_map(read_png(panel["map"]), w, h) if picture["fused"] else [255] * (w * h)
    low, out = level - width / 2, bytearray()
    for i in range(w * h):
        factor = alpha + (1 - alpha) * (fitted[i] / 255) if picture["fused"] else 1
        for c in range(3):
            v = (((values[i * channels + (c if channels == 3 else 0)] / 255) * factor - low) / width) * 255
            out.append(round(min(255.0, max(0.0, v))))
    return w, h, bytes(out)


def panel_data(page, index):
    return json.loads(page("return document.getElementById('panel-' + arguments[0]).textContent", index))


def table_order(rows):
    """The paper's order, controls last."""
    def key(row):
        known = PAPER.index(row["enhancement"]) if row["enhancement"] in PAPER else len(PAPER)
        return row["control"], row["detector"] != "faster_rcnn", known
    return sorted(rows, key=key)


def read_curve(points, fp, x=1):
    """Highest sensitivity at a point with x <= fp, and the highest threshold that reaches it."""
    best = None
    for p in points:
        if p[x] <= fp and (best is None or p[2] > best[2]):
            best = p
    return best


def read_mean(seeds, fp, x=1):
    """Of several seeds' curves, as the page's table says it: sensitivity, the false positives of the last step, thresholds."""
    found = [read_curve(points, fp, x) for points in seeds]
    # At a step of one seed, or not at all: before its first step a seed has found nothing, at no threshold.
    if not any(p and p[2] > 0 for p in found):
        return "0.000", "–", "–"
    mean = sum(p[2] if p else 0 for p in found) / len(found)
    last = max(p[x] for p in found if p and p[2] > 0)
    limits = [p[0] if p and p[2] > 0 else math.inf for p in found]
    low, high = f"{min(limits):.3f}", f"{max(limits):.3f}"
    return f"{mean:.3f}", f"{last:.2f}", "–" if high == "inf" else low if low == high else f"{low} – {high}"


def signed(v):
    text = f"{abs(v):.3f}"
    return text if not float(text) else ("−" if v < 0 else "+") + text


def p_text(p):
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def same(shown, expected, what):
    assert shown == expected, (what, [(i, a, b) for i, (a, b) in enumerate(zip(shown[2], expected[2])) if a != b][:5])

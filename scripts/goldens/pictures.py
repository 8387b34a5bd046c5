#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden pictures for tests/data/formats/picture/golden_test.cpp: small files of every kind, and what Pillow sees.

usage: pictures.py > tests/goldens/pictures.txt

A line a picture: NAME BITS TOLERANCE WIDTH HEIGHT FILE VALUES, the last two in hexadecimal. VALUES is the picture after
ImageOps.exif_transpose: gray in 16 bits, big-endian (BITS 16), or RGB in 8 (BITS 8). Last comes a larger JPEG that the
test damages. Files that Pillow cannot write are put together here. Needs numpy, Pillow.
"""
import io
import struct
import zlib

import numpy as np
from PIL import Image, ImageOps

W, H = 5, 3
GRAY = ((np.mgrid[0:H, 0:W][1] * 37 + np.mgrid[0:H, 0:W][0] * 91) % 256).astype(np.uint8)
RGB = np.stack([GRAY, 255 - GRAY, GRAY // 2], -1)
PASSES = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def show(name, data, tolerance=0, limited=True):
    im = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    deep = im.mode in ('I', 'I;16', 'I;16B')
    values = np.array(im).astype('>u2') if deep else np.array(im.convert('RGB'))
    assert not limited or len(data) < 1500, name
    print(name.replace(' ', '_'), 16 if deep else 8, tolerance, im.width, im.height, data.hex(), values.tobytes().hex())


def chunk(kind, body):
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def packed_row(row, depth):
    """One row of samples as PNG packs them."""
    if depth == 16:
        return row.astype('>u2').tobytes()
    bits = ''.join(format(int(v), '0%db' % depth) for v in row.ravel())
    bits += '0' * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def png(samples, depth, colour, interlaced=False, before=b'', after=b'', entries=None):
    """samples: rows x columns x channels, whole numbers of `depth` bits; entries: of the palette, or all of them."""
    h, w = samples.shape[:2]
    parts = [samples[y0::dy, x0::dx] for x0, y0, dx, dy in PASSES] if interlaced else [samples]
    raw = b''.join(b'\0' + packed_row(row, depth) for part in parts if part.size for row in part)
    palette = chunk(b'PLTE', bytes((i * 83 + c * 50) % 256 for i in range(entries or 2 ** depth) for c in range(3))) if colour == 3 else b''
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, depth, colour, 0, 0, interlaced)) + before + palette +
            chunk(b'IDAT', zlib.compress(raw, 9)) + after + chunk(b'IEND', b''))


def pngs():
    for colour, channels, depths in ((0, 1, (1, 2, 4, 8, 16)), (2, 3, (8, 16)), (3, 1, (1, 2, 4, 8)), (4, 2, (8, 16)), (6, 4, (8, 16))):
        for depth in depths:
            y, x, c = np.mgrid[0:H, 0:W, 0:channels]
            samples = (x * 9241 + y * 5003 + c * 777 + 1) % 2 ** depth
            for interlaced in (False, True):
                show('png colour %d depth %d%s' % (colour, depth, ' interlaced' if interlaced else ''), png(samples, depth, colour, interlaced))
    for depth, entries in ((2, 3), (4, 5), (8, 100)):
        show('png depth %d short palette' % depth, png(GRAY[..., None] % entries, depth, 3, entries=entries))


def exif(value, kind='H', order='<', count=1):
    """A TIFF structure with the tag Orientation (274) of a type given by struct's letter."""
    number = {'H': 3, 'I': 4, 'B': 1, 's': 2, 'h': 8, 'i': 9}[kind]
    head = b'II*\0' if order == '<' else b'MM\0*'
    field = struct.pack(order + kind, value) if kind != 's' else value
    software = struct.pack(order + 'HHI', 0x131, 2, 2) + b'a\0\0\0'  # a tag behind it, so that entries are stepped over
    other = struct.pack(order + 'HHI', 0x100, 3, 1) + struct.pack(order + 'HH', 7, 0)
    entries = other + struct.pack(order + 'HHI', 274, number, count) + field.ljust(4, b'\0') + software
    return head + struct.pack(order + 'I', 8) + struct.pack(order + 'H', 3) + entries + bytes(4)


def exif_twice(*entries):
    """The tag with each (type, count, value) in turn."""
    fields = b''.join(struct.pack('<HHIHH', 274, kind, count, value, 0) for kind, count, value in entries)
    return b'II*\0' + struct.pack('<IH', 8, len(entries)) + fields + bytes(4)


def jpeg(im, **how):
    out = io.BytesIO()
    im.save(out, 'JPEG', **{'quality': 95, 'optimize': True, **how})
    return out.getvalue()


def with_app1(data, *bodies):
    return data[:2] + b''.join(b'\xff\xe1' + struct.pack('>H', len(b) + 2) + b for b in bodies) + data[2:]


def xmp(value, element=False):
    inner = '<tiff:Orientation>%d</tiff:Orientation>' % value if element else ''
    attribute = '' if element else ' tiff:Orientation="%d"' % value
    return ('<x:xmpmeta><rdf:Description%s>%s</rdf:Description></x:xmpmeta>' % (attribute, inner)).encode()


def turned():
    plain = jpeg(Image.fromarray(GRAY))
    note, packet = b'Exif\0\0', b'http://ns.adobe.com/xap/1.0/\0'
    for value in range(0, 10):
        show('jpeg exif %d' % value, with_app1(plain, note + exif(value)), 1)
    for name, body in {'big-endian': exif(6, order='>'), 'LONG': exif(6, 'I'), 'big-endian LONG': exif(6, 'I', '>'), 'SSHORT': exif(6, 'h'),
                       'SLONG': exif(6, 'i'), 'BYTE': exif(6, 'B'), 'ASCII': exif(b'6\0', 's', count=2), 'large LONG': exif(65542, 'I'),
                       'cut off': exif(6)[:20]}.items():
        show('jpeg exif ' + name, with_app1(plain, note + body), 1)
    for name, entries in {'twice': ((3, 1, 3), (3, 1, 6)), 'twice first invalid': ((3, 1, 9), (3, 1, 6)), 'twice first BYTE': ((1, 1, 3), (3, 1, 6)),
                          'twice first empty': ((3, 0, 3), (3, 1, 6)), 'twice first of unknown type': ((77, 1, 3), (3, 1, 6))}.items():
        show('jpeg exif ' + name, with_app1(plain, note + exif_twice(*entries)), 1)
    show('jpeg exif BYTE before xmp', with_app1(plain, note + exif(6, 'B'), packet + xmp(6)), 1)
    show('jpeg exif behind another segment', with_app1(plain, b'other', note + exif(8)), 1)
    show('jpeg xmp', with_app1(plain, packet + xmp(6)), 1)
    show('jpeg xmp element', with_app1(plain, packet + xmp(3, True)), 1)
    show('jpeg exif before xmp', with_app1(plain, packet + xmp(6), note + exif(3)), 1)
    show('jpeg exif of 1 before xmp', with_app1(plain, note + exif(1), packet + xmp(6)), 1)
    show('jpeg rgb exif 7', with_app1(jpeg(Image.fromarray(RGB), subsampling=0), note + exif(7)), 2)
    gray, deep = GRAY[..., None], GRAY[..., None].astype(int) * 256 + 7
    for value in range(1, 9):
        show('png exif %d' % value, png(gray, 8, 0, before=chunk(b'eXIf', exif(value))))
    show('png exif 16 bit', png(deep, 16, 0, before=chunk(b'eXIf', exif(6))))
    show('png exif rgb 16 bit', png(RGB.astype(int) * 256, 16, 2, before=chunk(b'eXIf', exif(5))))
    show('png exif behind the pixels', png(gray, 8, 0, after=chunk(b'eXIf', exif(8, order='>'))))
    show('png exif with a prefix', png(gray, 8, 0, before=chunk(b'eXIf', b'Exif\0\0' + exif(6))))
    show('png xmp', png(gray, 8, 0, before=chunk(b'iTXt', b'XML:com.adobe.xmp\0\0\0\0\0' + xmp(6))))
    show('png xmp compressed', png(gray, 8, 0, before=chunk(b'iTXt', b'XML:com.adobe.xmp\0\1\0\0\0' + zlib.compress(xmp(5)))))
    raw = b'\nexif\n%8d\n%s\n' % (len(exif(8)), exif(8).hex().encode())
    show('png profile', png(gray, 8, 0, before=chunk(b'tEXt', b'Raw profile type exif\0' + raw)))
    show('png profile compressed', png(gray, 8, 0, before=chunk(b'zTXt', b'Raw profile type exif\0\0' + zlib.compress(raw))))


def jpegs():
    gray, colour = Image.fromarray(GRAY), Image.fromarray(RGB)
    show('jpeg gray', jpeg(gray), 1)
    show('jpeg gray progressive', jpeg(gray, progressive=True), 1)
    for name, subsampling in (('444', 0), ('422', 1), ('420', 2)):
        show('jpeg ' + name, jpeg(colour, subsampling=subsampling), 2)
        show('jpeg %s progressive' % name, jpeg(colour, subsampling=subsampling, progressive=True), 2)
    show('jpeg restart', jpeg(Image.fromarray(np.tile(GRAY, (6, 4))), restart_marker_blocks=1), 1)
    show('jpeg stored as rgb', jpeg(colour, keep_rgb=True), 2)
    cmyk = jpeg(colour.convert('CMYK'))
    show('jpeg cmyk', cmyk, 2)
    adobe = cmyk.index(b'Adobe')
    show('jpeg ycck', cmyk[:adobe + 11] + b'\2' + cmyk[adobe + 12:], 3)


def bmp(rows, bits, size=40, palette=b'', compression=0, masks=b'', top_down=False, used=0, gap=0):
    """rows: packed bytes of each row, from the top."""
    rows = [r + bytes(-len(r) % 4) for r in (rows if top_down else rows[::-1])]
    if size == 12:
        info = struct.pack('<IHHHH', 12, W, H, 1, bits)
    else:
        info = struct.pack('<IiiHHIIiiII', size, W, -H if top_down else H, 1, bits, compression, 0, 2835, 2835, used, 0)
        info += (masks + bytes(size)) [:size - 40]
        masks = masks if size == 40 else b''
    at = 14 + len(info) + len(masks) + len(palette) + gap
    return b'BM' + struct.pack('<IHHI', at + sum(map(len, rows)), 0, 0, at) + info + masks + palette + bytes(gap) + b''.join(rows)


def bmps():
    for name, im in {'1': Image.fromarray(GRAY > 99), '8 gray': Image.fromarray(GRAY), '8': Image.fromarray(RGB).quantize(16), '24': Image.fromarray(RGB),
                     '32': Image.fromarray(np.dstack([RGB, 255 - GRAY]))}.items():
        out = io.BytesIO()
        im.save(out, 'BMP')
        show('bmp %s written by Pillow' % name, out.getvalue())
    index = GRAY // 16
    colours = [((i * 83) % 256, (i * 83 + 50) % 256, (i * 83 + 100) % 256) for i in range(256)]
    palette = lambda n, end=b'\0': b''.join(bytes(colours[i]) + end for i in range(n))
    rows = lambda v, depth: [packed_row(r, depth) for r in v]
    bgr = [r.tobytes() for r in RGB[..., ::-1]]
    five = (RGB.astype(int) * 31 + 127) // 255
    word = lambda r, g, b: [line.astype("<u2").tobytes() for line in (r | g | b)]
    for top_down in (False, True):
        way = ' top-down' if top_down else ''
        show('bmp 1' + way, bmp(rows(index % 2, 1), 1, palette=palette(2), top_down=top_down))
        show('bmp 4' + way, bmp(rows(index, 4), 4, palette=palette(16), top_down=top_down))
        show('bmp 8' + way, bmp(rows(GRAY, 8), 8, palette=palette(256), top_down=top_down))
        show('bmp 16' + way, bmp(word(five[..., 0] << 10, five[..., 1] << 5, five[..., 2]), 16, top_down=top_down), 1)
        show('bmp 24' + way, bmp(bgr, 24, top_down=top_down))
        show('bmp 32' + way, bmp([np.dstack([RGB[..., ::-1], GRAY])[y].tobytes() for y in range(H)], 32, top_down=top_down))
    show('bmp 4 short palette', bmp(rows(index % 5, 4), 4, palette=palette(5), used=5))
    show('bmp 1 of OS/2', bmp(rows(index % 2, 1), 1, 12, palette=palette(2, b'')))
    show('bmp 4 of OS/2', bmp(rows(index, 4), 4, 12, palette=palette(16, b'')))
    show('bmp 24 of OS/2', bmp(bgr, 24, 12))
    show('bmp 24 of OS/2 2', bmp(bgr, 24, 64))
    fields = struct.pack('<III', 31 << 11, 63 << 5, 31)
    six = (RGB[..., 1].astype(int) * 63 + 127) // 255
    for size in (40, 56, 108, 124):
        show('bmp 16 565 header %d' % size, bmp(word(five[..., 0] << 11, six << 5, five[..., 2]), 16, size, compression=3, masks=fields), 1)
    show('bmp 24 header 124', bmp(bgr, 24, 124))
    order = struct.pack('<IIII', 0xFF, 0xFF00, 0xFF0000, 0xFF << 24)
    show('bmp 32 fields', bmp([np.dstack([RGB, GRAY])[y].tobytes() for y in range(H)], 32, 108, compression=3, masks=order))


def pnms():
    g, deep = GRAY.astype(int), (GRAY.astype(int) * 4095 + 127) // 255
    show('pnm P5 255', b'P5\n5 3\n255\n' + GRAY.tobytes())
    show('pnm P5 1', b'P5 5 3 1\n' + (GRAY > 99).astype(np.uint8).tobytes())
    show('pnm P5 15', b'P5 5 3 15\n' + (GRAY // 16).tobytes())
    show('pnm P5 200', b'P5 5 3 200\n' + (g * 200 // 255).astype(np.uint8).tobytes())
    for most in (256, 1000, 4095, 65535):
        show('pnm P5 %d' % most, b'P5 5 3 %d\n' % most + (g * most // 255).astype('>u2').tobytes(), 0)
    show('pnm P6 255', b'P6 5 3 255\n' + RGB.tobytes())
    show('pnm P6 15', b'P6 5 3 15\n' + (RGB // 16).tobytes())
    show('pnm P6 4095', b'P6 5 3 4095\n' + (RGB.astype(int) * 4095 // 255).astype('>u2').tobytes(), 1)
    show('pnm P4', b'P4 5 3\n' + b''.join(packed_row(r, 1) for r in GRAY > 99))
    show('pnm P1', b'P1 # bits\n5 3\n' + b'\n'.join(b''.join(b'%d' % v for v in r) for r in GRAY > 99))
    show('pnm P1 spaced', b'P1\n5 3\n' + b' '.join(b'%d' % v for v in (GRAY > 99).ravel()) + b'\n')
    show('pnm P2', b'P2\n5\t3\n255\n' + b' '.join(b'%d' % v for v in g.ravel()))
    show('pnm P2 4095 with a comment', b'P2\n5 3\n4095\n' + b'\n'.join(b'%d' % v for v in deep.ravel()[:7]) + b'\n# half\n' + b'\n'.join(b'%d' % v for v in deep.ravel()[7:]) + b'\n')
    show('pnm P3', b'P3 5 3 255 ' + b' '.join(b'%d' % v for v in RGB.ravel()))
    show('pnm P5 comments', b'P5 # one\n#two\n5 # three\r3\n# four\n# five\n255\n' + GRAY.tobytes())
    show('pnm P5 white space', b'P5\v\f\r\n  5\t\t3\r\n 255\t' + GRAY.tobytes())
    show('pnm P5 leading zeros', b'P5 0005 03 00255 ' + GRAY.tobytes())
    show('pnm P5 pixels like a comment', b'P5 5 3 255\n' + b'#\n\r 0' + GRAY.tobytes()[5:])


pngs()
turned()
jpegs()
bmps()
pnms()
noise = np.random.default_rng(1).normal(0, 30, (48, 48)) + np.add.outer(np.arange(48), np.arange(48)) * 2.5
show('noise', jpeg(Image.fromarray(noise.clip(0, 255).astype(np.uint8)), quality=90, optimize=False), 1, limited=False)

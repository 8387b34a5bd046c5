# SPDX-License-Identifier: Apache-2.0
"""Golden for tests/data/formats/dicom/gray_chain_test.cpp: the gray of 12 stored values by PS3.3's chain.

usage: python3 scripts/goldens/dicom_gray.py [tests/goldens/dicom_gray.txt]   (numpy and pydicom from PyPI)

Each case is written as a file by pydicom, read back, and taken through pydicom's apply_modality_lut and apply_voi_lut; the
standard's formulas in numpy must give the same within 1e-9. Where pydicom lacks a form (tables of bytes packed in words,
of bits that it has no type for, functional groups, HighBit) the formulas stand alone, or pydicom is given the group's
attributes at the place that it knows.

A line: bits alloc high signed photometric syntax rescale modality_lut voi groups | gray of 12 pixels in [0, 1]
  rescale       slope,intercept or -
  *_lut         lut:first,entries,bits,form   entry i is (5 i i + 11 i + 3) mod 2^bits; form US, OW (words), OW8, OB8 (bytes)
  voi           -, lut:... or FUNCTION,center,width
  syntax        explicit, implicit, big, deflated, rle, and jpeg, jpegls, which the C++ test encodes
  groups        top, shared or frame: where rescale and voi stand
Pixel k of 3 rows and 4 columns stores low + k (2^bits - 1) div 11, shifted left by high + 1 - bits.
"""
import io
import sys

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut
from pydicom.sequence import Sequence
from pydicom.uid import (ComputedRadiographyImageStorage, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian,
                         ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless)

SYNTAX = {'implicit': ImplicitVRLittleEndian, 'big': ExplicitVRBigEndian, 'deflated': DeflatedExplicitVRLittleEndian,
          'rle': RLELossless}


def stored(case):
    low = -(1 << (case['bits'] - 1)) if case['signed'] else 0
    return low, np.array([low + k * ((1 << case['bits']) - 1) // 11 for k in range(12)], np.int64)


def table(lut):
    first, count, bits, form = lut
    i = np.arange(count, dtype=np.int64)
    return (5 * i * i + 11 * i + 3) % (1 << bits)


def by_standard(case):
    low, x = stored(case)
    n = 1 << case['bits']
    ends = np.array([low, low + n - 1], np.float64)

    def look(lut, x):
        t = table(lut)
        return t[np.clip(x - lut[0], 0, len(t) - 1).astype(np.int64)].astype(np.float64)

    if case['mlut']:
        y = look(case['mlut'], x)
        bottom, top = 0.0, float((1 << case['mlut'][2]) - 1)
    else:
        slope, intercept = case['rescale'] or (1, 0)
        y = x * float(slope) + intercept
        bottom, top = sorted(ends * slope + intercept)
    voi = case['voi']
    if voi is None:
        v = (y - bottom) / (top - bottom)
    elif voi[0] == 'lut':
        v = look(voi[1], y) / ((1 << voi[1][2]) - 1)
    else:
        shape, c, w = voi
        if shape == 'SIGMOID':
            v = 1 / (1 + np.exp(-4 * (y - c) / w))
        elif shape == 'LINEAR_EXACT':
            v = np.where(y <= c - w / 2, 0, np.where(y > c + w / 2, 1, (y - c) / w + 0.5))
        else:
            v = np.where(y <= c - 0.5 - (w - 1) / 2, 0, np.where(y > c - 0.5 + (w - 1) / 2, 1,
                         (y - (c - 0.5)) / max(w - 1, 1e-300) + 0.5))
    v = np.clip(v, 0, 1)
    return 1 - v if case['photometric'] == 'MONOCHROME1' else v


def lut_item(lut, signed):
    item = Dataset()
    item.add_new((0x28, 0x3002), 'SS' if lut[0] < 0 else 'US', [lut[1] % 65536, lut[0], lut[2]])
    item.ModalityLUTType = 'US'
    data = table(lut).astype(np.uint16)
    if lut[3] == 'US':
        item.add_new((0x28, 0x3006), 'US', [int(v) for v in data])
    else:
        item.add_new((0x28, 0x3006), 'OW', data.tobytes())
    return Sequence([item])


def by_pydicom(case):
    """pydicom's numbers, or None where it has not this form."""
    voi_lut = case['voi'][1] if case['voi'] and case['voi'][0] == 'lut' else None
    if case['high'] != case['bits'] - 1 or (case['mlut'] and case['mlut'][2] not in (8, 16)):
        return None
    # pydicom 3.0 counts the entries of an 8-bit table in 8 bits: of more than 256 it takes the wrong ones.
    if any(lut and lut[2] == 8 and lut[1] > 256 for lut in (case['mlut'], voi_lut)):
        return None
    # Implicit: it takes the sign of the first input from the pixels.
    if case['syntax'] == 'implicit' and voi_lut and voi_lut[0] < 0 and not case['signed']:
        return None
    # An input more than 65,535 above the first overflows its 16 bits.
    if case['bits'] == 16 and case['rescale'] and voi_lut and voi_lut[0] < case['rescale'][1]:
        return None
    if any(lut and (lut[3] in ('OW8', 'OB8') or lut[2] not in (8, *range(10, 17))) for lut in (case['mlut'], voi_lut)):
        return None
    low, x = stored(case)
    meta = FileMetaDataset()
    syntax = SYNTAX.get(case['syntax'], ExplicitVRLittleEndian)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian if syntax == RLELossless else syntax
    meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    meta.MediaStorageSOPInstanceUID = '1.2.3'
    ds = FileDataset(None, {}, file_meta=meta, preamble=b'\0' * 128, is_implicit_VR=syntax == ImplicitVRLittleEndian,
                     is_little_endian=syntax != ExplicitVRBigEndian)
    ds.SOPClassUID, ds.SOPInstanceUID = ComputedRadiographyImageStorage, '1.2.3'
    ds.SamplesPerPixel, ds.Rows, ds.Columns = 1, 3, 4
    ds.PhotometricInterpretation = case['photometric']
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = case['alloc'], case['bits'], case['high']
    ds.PixelRepresentation = case['signed']
    kind = ('i' if case['signed'] else 'u') + str(case['alloc'] // 8)
    ds.PixelData = x.astype('<' + kind).tobytes()
    ds['PixelData'].VR = 'OW' if case['alloc'] > 8 else 'OB'
    if case['rescale']:
        ds.RescaleSlope, ds.RescaleIntercept = case['rescale']
    if case['mlut']:
        ds.ModalityLUTSequence = lut_item(case['mlut'], case['signed'])
    if case['voi'] and case['voi'][0] == 'lut':
        ds.VOILUTSequence = lut_item(case['voi'][1], case['signed'])
    elif case['voi']:
        ds.VOILUTFunction, ds.WindowCenter, ds.WindowWidth = case['voi']
    if syntax == RLELossless:
        ds.compress(RLELossless)
    elif syntax == ExplicitVRBigEndian:
        ds.PixelData = x.astype('>' + kind).tobytes()
        for sequence in ('ModalityLUTSequence', 'VOILUTSequence'):
            if sequence in ds and ds[sequence][0]['LUTData'].VR == 'OW':
                item = ds[sequence][0]
                item.LUTData = np.frombuffer(item.LUTData, '<u2').astype('>u2').tobytes()
    file = io.BytesIO()
    ds.save_as(file, enforce_file_format=False, little_endian=syntax != ExplicitVRBigEndian,
               implicit_vr=syntax == ImplicitVRLittleEndian)
    file.seek(0)
    ds = dcmread(file)
    pixels = ds.pixel_array
    assert (pixels.reshape(-1) == x).all(), case
    y = np.asarray(apply_modality_lut(pixels.astype(np.int64) if case['mlut'] else pixels, ds))
    if case['mlut']:
        bottom, top = 0.0, float((1 << case['mlut'][2]) - 1)
    else:
        slope, intercept = case['rescale'] or (1, 0)
        bottom, top = low * slope + intercept, (low + (1 << case['bits']) - 1) * slope + intercept
    if case['voi'] and case['voi'][0] == 'lut':
        v = apply_voi_lut(y.astype(np.int64), ds) / float((1 << case['voi'][1][2]) - 1)
    elif case['voi']:
        v = (apply_voi_lut(y, ds).astype(np.float64) - bottom) / (top - bottom)
    else:
        bottom, top = min(bottom, top), max(bottom, top)
        v = (y.astype(np.float64) - bottom) / (top - bottom)
    v = np.clip(v.reshape(-1), 0, 1)
    return 1 - v if case['photometric'] == 'MONOCHROME1' else v


def cases():
    n = [0]

    def case(bits, alloc=None, high=None, signed=0, syntax='explicit', rescale=None, mlut=None, voi=None, groups='top'):
        n[0] += 1
        return dict(bits=bits, alloc=alloc or (8 if bits <= 8 else 16), high=bits - 1 if high is None else high, signed=signed,
                    photometric='MONOCHROME%d' % (1 + n[0] % 2), syntax=syntax, rescale=rescale, mlut=mlut, voi=voi, groups=groups)

    for bits, alloc, high in ((1, 8, 0), (8, 8, 7), (8, 16, 7), (10, 16, 9), (12, 16, 11), (12, 16, 15), (12, 16, 13), (16, 16, 15)):
        for signed in (0, 1):
            for rescale in (None, (2, -1024), (-3, 500), (0.25, 7.5)):
                yield case(bits, alloc, high, signed, rescale=rescale)
    for shape in ('LINEAR', 'LINEAR_EXACT', 'SIGMOID'):
        for signed in (0, 1):
            for rescale in (None, (2, -1024), (-0.5, 100)):
                for center, width in ((700, 900), (-300.5, 2047.25), (40, 1)):
                    yield case(12, signed=signed, rescale=rescale, voi=(shape, center, width))
    for form in ('US', 'OW'):
        for first, count, signed in ((0, 4096, 0), (700, 300, 0), (-2048, 4096, 1), (-100, 1000, 1)):
            for bits in (8, 12, 16):
                yield case(12, signed=signed, mlut=(first, count, bits, form))
                yield case(12, signed=signed, voi=('lut', (first, count, bits, form)))
    for form in ('OW8', 'OB8'):
        for bits, count in ((8, 256), (12, 4096), (12, 1001)):
            for depth in (6, 8):
                yield case(bits, mlut=(0, count, depth, form))
                yield case(bits, voi=('lut', (3, count, depth, form)))
    # The table's first input is negative because of the rescale, or of the sign; 65,536 entries are written as 0.
    for signed in (0, 1):
        for first in (-1024, -3000, 0):
            yield case(12, signed=signed, rescale=(1, -1024), voi=('lut', (first, 3000, 12, 'OW')))
            yield case(12, signed=signed, rescale=(2, -1024), voi=('lut', (first, 9000, 16, 'US')))
        yield case(16, signed=signed, voi=('lut', (-32768 if signed else 0, 65536, 16, 'OW')))
    # 16 bits that mean another first input with a sign: both tables meet the input's range, or only one does.
    yield case(16, rescale=(1, -2000), voi=('lut', (-2500, 4000, 12, 'OW')))
    yield case(16, rescale=(1, -100), voi=('lut', (40000, 9000, 12, 'OW')))
    for voi in (('lut', (100, 3000, 10, 'OW')), ('LINEAR', 2000, 1500), ('SIGMOID', 2000, 1500)):
        yield case(12, mlut=(0, 4096, 12, 'US'), voi=voi)
    for syntax in ('implicit', 'big', 'deflated', 'rle', 'jpeg', 'jpegls'):
        for bits, signed in ((8, 0), (12, 0), (12, 1), (16, 1)):
            yield case(bits, signed=signed, syntax=syntax, rescale=(2, -100), voi=('LINEAR', 50, 3000))
            yield case(bits, signed=signed, syntax=syntax, rescale=(1, -50), voi=('lut', (-50, 200, 12, 'OW')))
            yield case(bits, signed=signed, syntax=syntax, mlut=(0, 250, 16, 'US'))
    for groups in ('shared', 'frame'):
        for voi in (None, ('LINEAR', 700, 900), ('SIGMOID', 100, 900), ('lut', (-1024, 5000, 12, 'OW'))):
            yield case(12, rescale=(2, -1024), voi=voi, groups=groups)


def text(value):
    if value is None:
        return '-'
    if value[0] == 'lut':
        return 'lut:' + ','.join(str(v) for v in value[1])
    return ','.join(str(v) for v in value)


np.seterr(over='ignore')  # exp of a window's far end
compared = 0
lines = []
for c in cases():
    v = by_standard(c)
    other = by_pydicom(c)
    if other is not None:
        compared += 1
        assert np.abs(other - v).max() < 1e-9, (c, v, other)
    lines.append('%d %d %d %d %s %s %s %s %s %s | %s\n' % (
        c['bits'], c['alloc'], c['high'], c['signed'], c['photometric'], c['syntax'], text(c['rescale']),
        text(c['mlut'] and ('lut', c['mlut'])), text(c['voi']), c['groups'], ' '.join('%.6g' % x for x in v)))
with open(sys.argv[1] if len(sys.argv) > 1 else 'tests/goldens/dicom_gray.txt', 'w') as out:
    out.writelines(lines)
print('%d cases, %d compared with pydicom' % (len(lines), compared))

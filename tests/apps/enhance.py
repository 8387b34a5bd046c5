# SPDX-License-Identifier: Apache-2.0
"""`cawe enhance` over real films and bad ones: every method, PNG and DICOM, names, rejects, identity of patients.

The files are read by a small reader of its own here, and by pydicom, too, where that is installed.

Exits 77 (skipped) where the films are absent.

usage: python3 tests/apps/enhance.py build/release/cawe
"""
import csv
import json
import os
import pathlib
import resource
import shutil
import signal
import struct
import sys
import zlib

from common import ROOT, WORK, cawe, check, errors_of, run

DATA = pathlib.Path(os.environ.get('CAWE_DATA') or ROOT / '../shared/data')
METHODS = ['none', 'clahe', 'afda', 'medga', 'centre', 'colormap']  # those that need no trained model
# Secondary Capture: what must have a value, and what must be there at least empty (PS3.3 A.8.1).
TYPE_1 = ['0008,0008', '0008,0016', '0008,0018', '0008,0060', '0008,0064', '0020,000d', '0020,000e', '0028,0002',
          '0028,0004', '0028,0010', '0028,0011', '0028,0100', '0028,0101', '0028,0102', '0028,0103', '7fe0,0010']
TYPE_2 = ['0008,0020', '0008,0030', '0008,0050', '0008,0090', '0010,0010', '0010,0020', '0010,0030', '0010,0040',
          '0020,0010', '0020,0011', '0020,0013', '0020,0020']


def enhance(*args, code=0, words=(), **options):
    done = cawe('enhance', *args, code=code, **options)
    assert code == 0 or errors_of(done.stderr), args
    for word in words:
        assert word in done.stderr, '%s: "%s" is not in: %s' % (args, word, done.stderr)
    return done


def read_png(path):
    """Width, height, samples, bits, values. Filters: those that the program writes (none is 0, sub is 1)."""
    data, at, packed = path.read_bytes(), 8, b''
    assert data[:8] == b'\x89PNG\r\n\x1a\n', path
    while at < len(data):
        size, kind = struct.unpack_from('>I4s', data, at)
        body = data[at + 8:at + 8 + size]
        assert zlib.crc32(kind + body) == struct.unpack_from('>I', data, at + 8 + size)[0]
        if kind == b'IHDR':
            width, height, bits, colour = struct.unpack_from('>IIBB', body)
        packed += body if kind == b'IDAT' else b''
        at += size + 12
    samples, raw = {0: 1, 2: 3}[colour], zlib.decompress(packed)
    step, values = samples * bits // 8, []
    for y in range(height):
        row = bytearray(raw[y * (width * step + 1):(y + 1) * (width * step + 1)])
        kind, row = row[0], row[1:]
        assert kind in (0, 1)
        for i in range(step, len(row) if kind else 0):
            row[i] = (row[i] + row[i - step]) & 255
        values += struct.unpack('>%d%s' % (width * samples, 'H' if bits == 16 else 'B'), bytes(row))
    return width, height, samples, bits, values


def read_dicom(path):
    """tag -> value of an explicit little-endian file, checking that tags ascend; items of sequences as a list."""
    data = path.read_bytes()
    assert data[128:132] == b'DICM', path

    def elements(at, end):
        out, last = {}, ''
        while at < end:
            group, number, kind, size = struct.unpack_from('<HH2sH', data, at)
            at += 8
            if kind in (b'OB', b'OW', b'SQ'):
                size, at = struct.unpack_from('<I', data, at)[0], at + 4
            tag, body = '%04x,%04x' % (group, number), data[at:at + size]
            assert size % 2 == 0 and len(body) == size and tag > last, (path, tag)
            if kind == b'SQ':
                assert struct.unpack_from('<HH', body) == (0xfffe, 0xe000)
                body = elements(at + 8, at + size)
            elif kind == b'US':
                body = struct.unpack('<H', body)[0]
            elif kind not in (b'OB', b'OW', b'UL'):
                body = body.decode().rstrip('\0 ')
            out[tag], last, at = body, tag, at + size
        return out

    return elements(132, len(data))


def pixels(d):
    width, height, samples = d['0028,0011'], d['0028,0010'], d['0028,0002']
    count = width * height * samples
    return width, height, samples, d['0028,0100'], list(struct.unpack('<%d%s' % (count, 'H' if d['0028,0100'] == 16
                                                                                 else 'B'),
                                                                      d['7fe0,0010'][:count * d['0028,0100'] // 8]))


def conforms(path):
    d = read_dicom(path)
    for tag in TYPE_1:
        assert d.get(tag) not in (None, '', b''), (path, tag)
    for tag in TYPE_2:
        assert tag in d, (path, tag)
    assert d['0008,0008'] == 'DERIVED\\SECONDARY' and d['0008,0064'] == 'WSD'
    assert d['0002,0003'] == d['0008,0018'] and d['0002,0002'] == d['0008,0016'] == '1.2.840.10008.5.1.4.1.1.7'
    assert all(int(tag[:4], 16) % 2 == 0 for tag in d), 'a private tag'
    assert d['0028,0102'] == d['0028,0101'] - 1
    if d['0028,0002'] == 3:
        assert d['0028,0004'] == 'RGB' and d['0028,0006'] == 0 and '0028,1050' not in d
    else:
        assert d['0028,0004'] == 'MONOCHROME2'
        assert float(d['0028,1051']) == 2 ** d['0028,0101'] == 2 * float(d['0028,1050'])
    for tag in ('0008,0018', '0020,000d', '0020,000e'):
        assert len(d[tag]) <= 64 and all(part == '0' or part[0] != '0' for part in d[tag].split('.')), d[tag]
    try:
        import pydicom
    except ImportError:
        return d
    seen = pydicom.dcmread(path)
    assert list(seen.pixel_array.reshape(-1)) == pixels(d)[4], path
    return d


def source_of(path):
    """Tags of a source film through the program's own reader, which the tests of data/ check against other readers."""
    info = json.loads(run('inspect', path, '--json').stdout)
    return info['columns'], info['rows'], info['bits']


def make_inputs():
    films = WORK / 'films'
    films.mkdir()
    names = sorted((DATA / 'dicom_cxr').glob('*.dcm'))[::5]
    names += [DATA / 'dicom/MR_small_implicit.dcm', DATA / 'dicom/JPEG-lossy.dcm', DATA / 'dicom/SC_rgb_rle_16bit.dcm']
    names += sorted((DATA / 'cxr_tb/images').iterdir())[:1] + sorted((DATA / 'rsna_tiny/images').iterdir())[:1]
    for name in names:
        shutil.copy(name, films)
    cawe('phantom', '--out', 'made', '--images', 2, '--size', 64, '--quiet')
    shutil.copy(sorted((WORK / 'made/images').iterdir())[0], films / 'twelve.bits.dcm')
    return sorted(films.iterdir())


def formats(films):
    """Each method as PNG, as DICOM and "same": equal values, the films' own size and depth."""
    for method in METHODS:
        for form in ('png', 'dicom', 'same') if method == 'none' else ('png', 'dicom'):
            out = json.loads(enhance('--method', method, '--input', 'films', '--out', '%s_%s' % (method, form),
                                     '--format', form, '--json', '--quiet').stdout)
            assert out['written'] == len(films) and out['rejected'] == 0, out
        samples = 3 if method == 'colormap' else 1
        for film in films:
            columns, rows, bits = source_of(film)
            png = read_png(WORK / (method + '_png') / (film.stem + '.png'))
            assert png[:4] == (columns, rows, samples, 16 if bits > 8 else 8), (film, png[:4], bits)
            dicom = WORK / (method + '_dicom') / (film.stem + '.dcm')
            d = conforms(dicom)
            seen = pixels(d)
            assert seen[:3] == png[:3] and seen[3] == (8 if samples == 3 else png[3]), (film, seen[:4])
            if seen[3] == png[3]:
                assert seen[4] == png[4], film
            else:  # 16 bits in the PNG, 8 in the DICOM: both within half a level
                assert max(abs(a / 255 - b / 65535) for a, b in zip(seen[4], png[4])) <= 0.5 / 255 + 0.5 / 65535
            assert '"method":"%s"' % method in d['0008,2111'], d['0008,2111']
            if method == 'none':
                twin = dicom if film.suffix == '.dcm' else WORK / 'none_png' / (film.stem + '.png')
                assert (WORK / 'none_same' / twin.name).read_bytes() == twin.read_bytes(), film
    check(True, '%d methods as PNG, DICOM and "same": sizes, depths and values of %d films' % (len(METHODS),
                                                                                               len(films)))
    gray, colour = read_png(WORK / 'none_png/twelve.bits.png'), read_png(WORK / 'colormap_png/twelve.bits.png')
    luma = [0.299 * r + 0.587 * g + 0.114 * b for r, g, b in zip(*[iter(colour[4])] * 3)]
    check(max(abs(a - b) for a, b in zip(gray[4], luma)) < 1, 'the colour map keeps luminance, in 16 bits')
    plain, centre = gray[4], read_png(WORK / 'centre_png/twelve.bits.png')[4]
    check(all(v / 2 - 1 <= w <= v + 1 for v, w in zip(plain, centre)) and centre != plain,
          'fusion stays between half the film and the film')


def identity(films):
    film = sorted((DATA / 'dicom_cxr').glob('*.dcm'))[0]
    kept = read_dicom(WORK / 'afda_dicom' / film.name)
    original = film.read_bytes()
    for tag in ('0020,000d', '0010,0020'):
        assert kept[tag].encode() in original and kept[tag], tag
    assert kept['0010,0010'] == kept['0010,0030'] == kept['0010,0040'] == '', 'more of the person than the id'
    source = kept['0008,2112']
    check(source['0008,1155'].encode() in original and source['0008,1150'].encode() in original,
          'the source is referred to')
    for tag in ('0008,0018', '0020,000e'):
        assert kept[tag].encode() not in original, tag
        assert kept[tag] != read_dicom(WORK / 'medga_dicom' / film.name)[tag], tag
    check(kept['0028,2110'] == '01', 'the patient\'s id and the study are kept, image and series are new, loss is told')
    enhance('--method', 'afda', '--input', film, '--out', 'hashed', '--format', 'dicom', '--anon', 'hash')
    hashed = conforms(WORK / 'hashed' / film.name)
    old = [kept[tag] for tag in ('0010,0020', '0020,000d')] + [source['0008,1155'], kept['0008,0018']]
    raw = (WORK / 'hashed' / film.name).read_bytes()
    assert not any(value.encode() in raw for value in old), 'an old id is left'
    check(hashed['0010,0010'] == '' == hashed['0008,0020'] and len(hashed['0010,0020']) == 32,
          '--anon hash: no name, no date, no old id')
    tagged = (WORK / 'films/twelve.bits.dcm').read_bytes()
    at = tagged.index(b'\x28\x00\x50\x10DS')
    (WORK / 'burned.dcm').write_bytes(tagged[:at] + b'\x28\x00\x01\x03CS\x04\x00YES ' + tagged[at:])
    done = enhance('--method', 'none', '--input', 'burned.dcm', '--out', 'burned', '--format', 'dicom')
    check('burned' in done.stderr and read_dicom(WORK / 'burned/burned.dcm')['0028,0301'] == 'YES',
          'text in the pixels: a warning, and the file says so')


def names():
    film = (WORK / 'none_png/twelve.bits.png').read_bytes()
    for name in ('n/a/x.png', 'n/b/x.png', 'n/c/x_2.png', 'n/c/1.2.840.5', 'n/c/1.2.840.6', 'n/c/notes.txt'):
        (WORK / name).parent.mkdir(parents=True, exist_ok=True)
        (WORK / name).write_bytes(b'text' if name.endswith('txt') else film)
    for uid in ('5', '6'):
        shutil.copy(WORK / 'films/twelve.bits.dcm', WORK / 'n/c' / ('1.2.840.' + uid))
    enhance('--method', 'none', '--input', 'n', 'n/a/x.png', '--out', 'named')
    check(sorted(str(p.relative_to(WORK / 'named')) for p in (WORK / 'named').rglob('*.png')) ==
          ['a/x.png', 'b/x.png', 'c/1.2.840.5.png', 'c/1.2.840.6.png', 'c/x_2.png'],
          'names carry folders, a file given twice counts once, UIDs are whole names')
    enhance('--method', 'none', '--input', 'n/a', 'n/b', '--out', 'twice', code=2, words=['n/a/x.png', 'n/b/x.png'])
    check(not (WORK / 'twice').exists(), 'two films of one id are refused')
    enhance('--method', 'none', '--input', 'n', '--out', 'named', code=2, words=['named/a/x.png', '--overwrite'])
    enhance('--method', 'clahe', '--input', 'n', '--out', 'named', '--overwrite')
    check((WORK / 'named/a/x.png').read_bytes() != film, 'what is there is replaced only when asked')
    for extra in ([], ['--overwrite']):
        enhance('--method', 'clahe', '--input', 'n/a', '--out', 'n/a', *extra, code=2, words=['n/a/x.png', '--out'])
    assert (WORK / 'n/a/x.png').read_bytes() == film
    shutil.copy(WORK / 'n/a/x.png', WORK / 'n/a/x_map.png')
    enhance('--method', 'centre', '--input', 'n/a', '--out', 'clash', '--maps', code=2,
            words=['x_map.png', 'two outputs'])
    check(not (WORK / 'clash').exists(), 'films are never replaced, nor a film by a map')
    os.remove(WORK / 'n/a/x_map.png')
    enhance('--method', 'centre', '--input', 'n/a', '--out', 'maps', '--maps')
    width, height, _, _, values = read_png(WORK / 'maps/x_map.png')
    check((width, height, min(values), max(values)) == (64, 64, 0, 255), '--maps')


def usage():
    one = ['--input', 'n/a/x.png', '--out', 'u']
    enhance('--method', 'afad', *one, code=2, words=['afda'])
    enhance('--method', 'color', *one, code=2, words=['color'])
    enhance('--method', 'uniform', *one, code=2, words=['--classifier'])
    enhance('--method', 'clahe', '--colorizer', 'x', *one, code=2, words=['--colorizer'])
    enhance('--method', 'clahe', '--maps', *one, code=2, words=['no map'])
    enhance('--method', 'afda', '--set', 'afda.vmx=0.5', *one, code=2, words=['afda.vmax'])
    enhance('--method', 'afda', '--set', 'afda.vmax=1', *one, code=2, words=['afda.vmax'])
    enhance('--method', 'medga', '--set', 'medga.form=articel', *one, code=2, words=['article'])
    enhance('--method', 'none', '--format', 'jpeg', *one, code=2, words=['jpeg'])
    check(not (WORK / 'u').exists(), 'wrong usage writes nothing')
    enhance('--method', 'afda', '--set', 'afda.range=minmax', '--set', 'afda.mask=otsu', '--input', 'n/a', '--out',
            'minmax')
    values = read_png(WORK / 'minmax/x.png')[4]
    check((min(values), max(values)) == (0, 65535), '--set reaches the method')


def rejects():
    mixed = WORK / 'mixed'
    mixed.mkdir()
    shutil.copy(WORK / 'n/a/x.png', mixed / 'good.png')
    (mixed / 'cut.dcm').write_bytes((WORK / 'films/twelve.bits.dcm').read_bytes()[:900])
    (mixed / 'empty.png').write_bytes(b'')
    shutil.copy(DATA / 'dicom/emri_small.dcm', mixed / 'frames.dcm')
    tiny = struct.pack('>IIBBBBB', 3, 3, 8, 0, 0, 0, 0)  # fewer pixels than CLAHE has tiles: found only when enhanced
    body = [(b'IHDR', tiny), (b'IDAT', zlib.compress(b'\0abc' * 3)), (b'IEND', b'')]
    (mixed / 'tiny.png').write_bytes(b'\x89PNG\r\n\x1a\n' +
                                     b''.join(struct.pack('>I', len(b)) + k + b + struct.pack('>I', zlib.crc32(k + b))
                                              for k, b in body))
    done = enhance('--method', 'clahe', '--input', 'mixed', '--out', 'some', '--json', code=3)
    assert json.loads(done.stdout)['written'] == 1, done.stdout
    with open(WORK / 'some/rejected.csv') as f:
        rows = {pathlib.Path(r['file']).name: r['reason'] for r in csv.DictReader(f)}
    check(sorted(rows) == ['cut.dcm', 'empty.png', 'frames.dcm', 'tiny.png'] and '10 frames' in rows['frames.dcm'] and
          'tiles' in rows['tiny.png'], 'bad films are listed with their reasons, the good one is written')
    check(sorted(p.name for p in (WORK / 'some').iterdir()) == ['good.png', 'rejected.csv'], 'and nothing else')
    enhance('--method', 'clahe', '--input', 'mixed', '--out', 'allowed', '--allow-rejects')
    for bad in ('cut.dcm', 'frames.dcm', 'empty.png'):
        enhance('--method', 'clahe', '--input', 'mixed/' + bad, '--out', 'alone', code=3, words=[bad])
    with open(WORK / 'alone/rejected.csv') as f:
        rows = [r['file'] for r in csv.DictReader(f)]
    check(os.listdir(WORK / 'alone') == ['rejected.csv'] and rows == ['mixed/empty.png'],
          'one bad film alone: it is listed, and nothing else is written')
    enhance('--method', 'clahe', '--input', 'mixed/tiny.png', '--out', 'tiny', code=3, words=['tiny.png', 'tiles'])
    check(os.listdir(WORK / 'tiny') == ['rejected.csv'] and 'tiles' in (WORK / 'tiny/rejected.csv').read_text(),
          'also one that is bad only for its method')
    conformance = DATA / 'image_conformance'
    done = enhance('--method', 'afda', '--input', conformance, '--out', 'conformance', '--json', '--quiet', code=3)
    with open(conformance / 'expected.csv') as f:
        rows = [r for r in csv.DictReader(f) if pathlib.Path(r['file']).suffix.lower() in ('.png', '.jpg', '.jpeg')]
    with open(WORK / 'conformance/rejected.csv') as f:
        rejected = {os.path.relpath(r['file'], conformance) for r in csv.DictReader(f)}
    for row in rows:
        assert row['expect'] == 'any' or (row['expect'] == 'error') == (row['file'] in rejected), row
    written = json.loads(done.stdout)['written']
    check(written + len(rejected) == len(rows) and written == len(list((WORK / 'conformance').rglob('*.png'))),
          'image_conformance: %d written, %d rejected as expected.csv says' % (written, len(rejected)))


def threads_and_disk():
    for threads in (1, 2, 5):
        enhance('--method', 'medga', '--input', 'films', '--out', 't%d' % threads, '--threads', threads, '--format',
                'same', '--set', 'medga.generations=15')
    for film in (WORK / 't1').iterdir():
        for other in ('t2', 't5'):
            assert film.read_bytes() == (WORK / other / film.name).read_bytes(), (other, film)
    check(True, 'the same bytes on 1, 2 and 5 threads')

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it, and so would what it starts

    enhance('--method', 'centre', '--maps', '--input', 'n/a', '--out', 'full', code=1, words=['full/'],
            preexec_fn=little_room)
    check(not list((WORK / 'full').iterdir()), 'a full disk leaves no part of a film, and no map without its film')


if not (DATA / 'dicom_cxr').exists():
    assert os.environ.get('CAWE_REQUIRE_DATA') != '1', 'data missing: %s' % DATA
    print('skipped: no films in %s (set CAWE_DATA)' % DATA)
    sys.exit(77)
inputs = make_inputs()
formats(inputs)
identity(inputs)
names()
usage()
rejects()
threads_and_disk()

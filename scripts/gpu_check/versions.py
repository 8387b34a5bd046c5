# SPDX-License-Identifier: Apache-2.0
"""The newest symbols of glibc and of GCC's runtime that programs and libraries want, and which wants them. What Ubuntu 22.04 has
may be wanted: a machine with less does not start them.

usage: python3 scripts/gpu_check/versions.py FILE...     exit code 1 where something newer is wanted
"""
import pathlib
import re
import subprocess
import sys

MOST = {'GLIBC': '2.35', 'GLIBCXX': '3.4.30', 'CXXABI': '1.3.13', 'GCC': '12.0.0'}


def number(version):
    """To compare by; what is no number (GLIBC_ABI_DT_RELR) came with a newer glibc than ours."""
    return tuple(map(int, version.split('.'))) if re.fullmatch(r'[\d.]+', version) else (9999,)


def wanted(file):
    """[(kind, version)]"""
    said = subprocess.run(['objdump', '-p', file], stdout=subprocess.PIPE, text=True, check=True).stdout
    return re.findall(r' (%s)_(\S+)$' % '|'.join(MOST), said.partition('Version References:')[2], re.M)


def main(files):
    newest, wrong = {}, []
    for file in map(pathlib.Path, files):
        for kind, version in wanted(file):
            newest[kind] = max(newest.get(kind, ((),)), (number(version), version, file.name))
            if number(version) > number(MOST[kind]):
                wrong.append('%s wants %s_%s, more than %s_%s' % (file.name, kind, version, kind, MOST[kind]))
    for kind, (_, version, name) in sorted(newest.items()):
        print('%s_%s at most (%s)' % (kind, version, name))
    if wrong or not newest:
        sys.exit('\n'.join(sorted(set(wrong))) or 'none of these wants anything: %s' % ' '.join(files))


if __name__ == '__main__':
    main(sys.argv[1:])

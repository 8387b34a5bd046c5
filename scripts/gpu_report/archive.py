# SPDX-License-Identifier: Apache-2.0
"""Reads the files that scripts/gpu-check leaves. A file that is missing, empty or cut off is noted and is no error: a part
that ran into its time limit, or a tool that failed, leaves the others worth reading."""
import csv
import json
import re

# ncu's units in bytes and nanoseconds: `--print-units base` gives the base ones, its default whatever is short.
UNITS = {'Kbyte': 1e3, 'Mbyte': 1e6, 'Gbyte': 1e9,
         'us': 1e3, 'usecond': 1e3, 'ms': 1e6, 'msecond': 1e6, 's': 1e9, 'second': 1e9}
# A case's range as ncu prints it: `2008  "<default domain>:NAME | SHAPE:none:none:none:none:none:none" `.
RANGE = re.compile(r':([^":|]+) \| (.*?)(?::[^:"]*){6}"')


class Launch:
    """A kernel's launch under ncu: its name, the case (name, shape) that it ran in, sums of its metrics."""

    def __init__(self, kernel, case, values):
        self.kernel, self.case, self.values = kernel, case, values


class Archive:
    def __init__(self, folder, emulated):
        self.folder = folder
        self.emulated_file = emulated
        self.notes = {}  # file: what is wrong with it
        self.read = set()

    def lines(self, name):
        self.read.add(name)
        path = self.folder / name
        if not path.exists():
            self.notes[name] = 'missing'
            return []
        lines = path.read_text(errors='replace').splitlines()
        if not any(line.strip() for line in lines):
            self.notes[name] = 'empty'
        return lines

    def objects_of(self, *patterns):
        """The objects of all files that match, in the order of their names within a pattern."""
        names = [path.name for pattern in patterns for path in sorted(self.folder.glob(pattern))]
        return [o for name in dict.fromkeys(names) for o in self.objects(name)]

    def objects(self, name):
        """The objects of a file with one JSON object per line; whatever else a program printed between them is skipped, and where
        a bench says which of its parts begins."""
        found, broken = [], 0
        for line in self.lines(name):
            if line.startswith('{') and not line.startswith('{"begin"'):
                try:
                    found.append(json.loads(line))
                except ValueError:
                    broken += 1
        if broken:
            self.notes[name] = 'cut: %d broken line%s' % (broken, '' if broken == 1 else 's')
        elif not found:
            self.notes.setdefault(name, 'without a result')
        return found

    def launches(self, name):
        """The launches in ncu's raw CSV, which follows the program's own output: names, units, then a line for each launch."""
        lines = self.lines(name)
        start = next((i for i, line in enumerate(lines) if line.startswith('"ID",')), None)
        if start is None:
            failed = [line for line in lines if line.startswith('==ERROR==')]
            self.notes.setdefault(name, 'without a launch' + (': ' + failed[0][len('==ERROR== '):] if failed else ''))
            return []
        header, units, *rows = list(csv.reader(lines[start:])) + [[]]
        rows = [row for row in rows if row and row[0].isdigit()]
        whole = [row for row in rows if len(row) == len(header)]
        found = [launch_of(header, units, row) for row in whole]
        if len(whole) < len(rows) or not any(line.startswith('==PROF== Disconnected') for line in lines):
            self.notes[name] = 'cut after %d launches' % len(found)
        return found

    def emulated(self):
        """{(name, shape): case} of what `cawe kernels --profile --json` wrote."""
        if not self.emulated_file.exists():
            self.notes['emulated.json'] = 'missing'
            return {}
        try:
            text = json.loads(self.emulated_file.read_text())
        except ValueError:
            self.notes['emulated.json'] = 'cut'
            return {}
        cases = text['cases'] if 'cases' in text else text['rows']
        return {(case['name'], case['shape']): case for case in cases}

    def unread(self):
        """Files with contents that no section used."""
        read = self.read | {'emulated.json'}
        return sorted(f.name for f in self.folder.glob('*') if f.is_file() and f.stat().st_size and f.name not in read)


def launch_of(header, units, row):
    values, case, kernel = {}, None, ''
    for key, unit, value in zip(header, units, row):
        if key == 'Kernel Name':
            kernel = value
        elif 'Push/Pop_Range' in key:
            found = RANGE.search(value)
            case = found.groups() if found else None
        elif key.endswith('.sum'):
            number = value.replace(',', '')
            if re.fullmatch(r'[\d.]+(?:[eE][-+]?\d+)?', number):  # else ncu has no value: n/a
                values[key[:-len('.sum')]] = float(number) * UNITS.get(unit, 1)
    return Launch(kernel, case, values)

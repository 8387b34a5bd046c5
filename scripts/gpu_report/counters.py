# SPDX-License-Identifier: Apache-2.0
"""The emulator's counts against ncu's, case by case."""
from gpu_report.markdown import code, count, table

GLOBAL = 'l1tex__t_%s_pipe_lsu_mem_global_op_'
METRICS = {'requests': GLOBAL % 'requests', 'sectors': GLOBAL % 'sectors',
           'wavefronts': 'l1tex__data_pipe_lsu_wavefronts_mem_shared_op_'}
CLOSE = 0.02
SECTOR = 32


class Counted:
    """A case as the emulator and as ncu counted it."""

    def __init__(self, key, case, launches):
        self.key, self.launches = key, launches
        self.complete = len(launches) == len(case['launches'])
        sites = [site for launch in case['launches'] for site in launch['sites']]
        # ncu's loads and stores leave atomics out, so their sites count on neither side.
        plain = [site for site in sites if site['access'] != 'atomic']
        space = {name: [site for site in plain if site['space'] == name] for name in ('global', 'shared')}
        self.emulated = {'requests': sum(s['requests'] for s in space['global']),
                         'sectors': sum(s['units'] for s in space['global']),
                         'wavefronts': sum(s['units'] for s in space['shared'])}
        self.measured = {name: self.total(metric + 'ld') + self.total(metric + 'st') for name, metric in METRICS.items()}
        counters = case['counters']
        self.read, self.written = self.total('dram__bytes_read'), self.total('dram__bytes_write')
        self.unique_read = counters['unique_read_bytes']
        self.unique = self.unique_read + counters['unique_written_bytes']
        self.traffic = SECTOR * counters['global_sectors']
        self.load_traffic = SECTOR * sum(s['units'] for s in sites if s['space'] == 'global' and s['access'] != 'store')

    def total(self, metric):
        return sum(launch.values.get(metric, 0) for launch in self.launches)

    def close(self, name):
        emulated, measured = self.emulated[name], self.measured[name]
        return abs(emulated - measured) <= CLOSE * measured

    def off(self, name):
        emulated, measured = self.emulated[name], self.measured[name]
        return '%+.1f %%' % (100 * (emulated - measured) / measured) if measured else '-'


def section(archive):
    out = ["## The emulator's counts against Nsight Compute's", '']
    launches, emulated = archive.launches('ncu.csv'), archive.emulated()
    cases = {}
    for launch in launches:
        cases.setdefault(launch.case, []).append(launch)
    counted = [Counted(key, emulated[key], found) for key, found in cases.items() if key in emulated]
    if not counted:
        return out + ['Not measured: ncu has no case of the emulator.', '']
    out += summary(counted)
    strange = ['%s %s' % key for key in cases if key and key not in emulated]
    cut = ['%s %s' % c.key for c in counted if not c.complete]
    for what, names in (('Counted by ncu and unknown to the emulator', strange),
                        ('With another number of launches on each side', cut)):
        if names:
            out += ['%s: %s.' % (what, '; '.join(names)), '']
    wrong = [(c, name) for c in counted for name in METRICS if not c.close(name)]
    if wrong:
        out += table(['off by more than %.0f %%' % (100 * CLOSE), 'counter', 'emulated', 'measured', 'off'], [
            ['%s %s' % (code(c.key[0]), c.key[1]), name, count(c.emulated[name]), count(c.measured[name]), c.off(name)]
            for c, name in wrong])
    title = '<details><summary>All counted cases (emulated / measured where they differ)</summary>'
    return out + [title, ''] + whole(counted) + ['</details>', '']


def summary(counted):
    shared = [c for c in counted if c.emulated['wavefronts'] or c.measured['wavefronts']]
    agree = lambda name, among: '%d of %d' % (sum(c.close(name) for c in among), len(among))
    above = [c for c in counted if c.read > c.load_traffic]
    most = max(((c.read - c.load_traffic) / len(c.launches) / 1000 for c in above), default=0)
    return [
        '%d cases in %d launches; atomics are left out on both sides, for ncu counts them apart. Within %.0f %% of the measured '
        'count: requests of global memory in %s, sectors in %s, wavefronts of shared memory in %s that use it; all three in %d.' % (
            len(counted), sum(len(c.launches) for c in counted), 100 * CLOSE, agree('requests', counted),
            agree('sectors', counted), agree('wavefronts', shared),
            sum(all(c.close(name) for name in METRICS) for c in counted)), '',
        'DRAM: bytes read and written lie between the unique bytes and the traffic (%d bytes a sector) that the emulator counts '
        'in %d cases and are fewer in %d; in %d nothing was written to DRAM, since L2 holds what such small kernels write. Reads '
        'alone are at least the unique bytes read in %d cases. They are at most what loads move in %d; in the others they are '
        'above it by at most %.1f kB a launch: ncu empties the caches before each, and code and constants are read, too.' % (
            SECTOR, sum(c.unique <= c.read + c.written <= c.traffic for c in counted),
            sum(c.read + c.written < c.unique for c in counted), sum(c.written == 0 for c in counted),
            sum(c.read >= c.unique_read for c in counted), len(counted) - len(above), most), '']


def whole(counted):
    def cell(c, name):
        emulated, measured = c.emulated[name], c.measured[name]
        return count(emulated) if emulated == measured else '%s / %s' % (count(emulated), count(measured))
    kilo = lambda number: '%.1f' % (number / 1000)
    return table(['case', 'requests', 'sectors', 'wavefronts', 'DRAM kB read', 'unique to traffic', 'between'], [
        ['%s %s' % (code(c.key[0]), c.key[1])] + [cell(c, name) for name in METRICS] +
        [kilo(c.read), '%s to %s' % (kilo(c.unique_read), kilo(c.load_traffic)),
         'below' if c.read < c.unique_read else 'above' if c.read > c.load_traffic else 'yes'] for c in counted])

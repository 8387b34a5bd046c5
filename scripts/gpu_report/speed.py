# SPDX-License-Identifier: Apache-2.0
"""Times: kernels at large sizes and whole steps beside PyTorch, and what a step's time goes to."""
import re

from gpu_report.markdown import code, count, figure, ratio, table

# PyTorch's batch norm is one call per direction, this project's is two launches that move the data.
BATCH_NORM = {'forward': ('channel_sums', 'channel_affine relu'),
              'backward': ('batch_norm_grad_sums relu', 'batch_norm_grad_input relu')}
MOST = 12


def kernels(archive):
    out = ['## Kernels at large sizes', '']
    ours = {o['case']: o for o in archive.objects('kernels.jsonl')}
    torch = {o['case']: o['median_us'] for o in archive.objects('torch_kernels.jsonl') if 'median_us' in o}
    products = {o['case']: o['median_us'] for o in archive.objects('ceilings.jsonl') if 'matmul' in o['case']}
    if not ours:
        return out + ['Not measured.', '']
    rows = []
    for case, o in ours.items():
        theirs = torch.get(case, products.get(case))
        us = o['median_us']
        rows.append([case, figure(us), count(o['gb_s']), '%.2f' % o['of_copy'], figure(theirs), ratio(us, theirs)])
    left = [case for case in torch if case not in ours]
    for case in list(left):
        found = re.match(r'batch_norm relu (forward|backward) (.*)', case)
        parts = ['%s %s' % (part, found.group(2)) for part in BATCH_NORM[found.group(1)]] if found else ['']
        if all(part in ours for part in parts):
            us = sum(ours[part]['median_us'] for part in parts)
            rows.append([case + ': sum of two', figure(us), '', '', figure(torch[case]), ratio(us, torch[case])])
            left.remove(case)
    out += ['Medians; GB/s of the bytes that must move, "of copy" as a share of our copy kernel\'s. Ours / PyTorch below 1: '
            'ours is faster. PyTorch\'s batch norm is one call: beside it the sum of our two launches of that direction.', '']
    out += table(['case', 'us', 'GB/s', 'of copy', 'PyTorch us', 'ours / PyTorch'], rows)
    return out + (['PyTorch alone: %s.' % '; '.join(left), ''] if left else [])


def steps(archive):
    out = ['## Steps', '']
    ours, failed = by_step(archive.objects('steps.jsonl'), lambda o: o['case'])
    torch, lost = by_step(archive.objects('torch_steps.jsonl') + archive.objects('torch_compiled.jsonl'),
                          lambda o: '%s %s' % (o['case'], o.get('mode', '')))
    if not ours:
        return out + ['Not measured.', ''] + failures(failed, lost)
    rows = []
    for key, modes in ours.items():
        theirs = torch.get(key, {})
        one = lambda of, *names: next((of[name] for name in names if name in of), {})
        plain, graph = one(modes, 'plain', ''), one(modes, 'captured')
        eager, replay, compiled = one(theirs, 'eager'), one(theirs, 'graph'), one(theirs, 'compiled')
        best = lambda *of: min((o['median_ms'] for o in of if o), default=None)
        rows.append([key[0], plain.get('batch', graph.get('batch')), key[2]] +
                    [figure(o.get('median_ms')) for o in (plain, graph)] + [count_or(plain.get('peak_mb'))] +
                    [figure(o.get('median_ms')) for o in (eager, replay, compiled)] + [count_or(eager.get('peak_mb'))] +
                    [ratio(best(plain, graph), best(eager, replay, compiled))])
    out += ['Median ms of a step: ours plain and captured as a CUDA graph, PyTorch\'s eager, as a graph and through torch.compile, '
            'the faster mode of it; peak MB of the plain and the eager one. "training_with_films": the next batch\'s films are '
            'uploaded behind each step, and the host waits for its loss. The last column is our better time by PyTorch\'s better '
            'one: below 1 ours is faster. PyTorch\'s figure is there for %d of %d steps.' % (
                sum(key in torch for key in ours), len(ours)), '']
    out += table(['step', 'batch', 'type', 'plain', 'captured', 'peak MB', 'eager', 'graph', 'compiled', 'peak MB', 'ratio'], rows)
    how = ['%s b%s %s: %s, %.0f s to compile' % (*key, o.get('how', '?'), o.get('compile_s', 0))
           for key, o in ((key, modes['compiled']) for key, modes in torch.items() if 'compiled' in modes)]
    out += ['torch.compile: %s.' % '; '.join(how), ''] if how else []
    left = ['%s b%s %s' % key for key in torch if key not in ours]
    return out + (['PyTorch alone: %s.' % '; '.join(left), ''] if left else []) + failures(failed, lost)


def count_or(number):
    return '-' if number is None else count(number)


def by_step(objects, title):
    """({(step, batch, type): {mode: object}}, [what failed])"""
    found, failed = {}, []
    for o in objects:
        if o['case'] == 'failed' or 'failed' in o:
            failed.append(o)
            continue
        name = re.match(r'(.*?) +b(\d+) (\w+) ?(\w*)$', title(o).strip())
        if name:
            modes = found.setdefault(name.groups()[:3], {})
            if o['median_ms'] <= modes.get(name.group(4), o)['median_ms']:  # the faster, where one was timed twice
                modes[name.group(4)] = o
    return found, failed


def failures(ours, theirs):
    out = ['- %s fails: %s' % (re.sub(' +', ' ', o['case']), o['failed']) for o in ours]
    for o in theirs:
        of = ''.join(', %s %s' % (key, o[key]) for key in ('type', 'batch') if key in o)
        out.append('- PyTorch fails%s: %s' % (of, o.get('why', o.get('failed', '?'))))
    return out + [''] if out else []


def profiles(archive):
    """The kernels' share of every step whose kernels were all timed."""
    out = ['## Kernels of a step', '']
    files = sorted(archive.folder.glob('step_*.csv'))
    for name in [path.name for path in files]:
        launches = archive.launches(name)
        if name not in archive.notes:
            out += profile(name[len('step_'):-len('.csv')].replace('_', ' '), launches)
    return out if len(out) > 2 else out + ['Not measured: no step was timed to its end.', '']


def profile(title, launches):
    groups = {}
    for launch in launches:
        group = groups.setdefault(label(launch.kernel), [0, 0.0, is_ours(launch.kernel)])
        group[0] += 1
        group[1] += launch.values.get('gpu__time_duration', 0)
    total = sum(ns for _, ns, _ in groups.values())
    if not total:
        return []
    own = sum(ns for _, ns, ours in groups.values() if ours)
    most = sorted(groups.items(), key=lambda item: -item[1][1])[:MOST]
    return ['**%s**: %s launches, %.2f ms in kernels; %.1f %% of it in kernels of our own, %.1f %% in libraries\'.' % (
        title, count(len(launches)), total / 1e6, 100 * own / total, 100 - 100 * own / total), ''] + table(
            ['kernel', 'launches', 'ms', 'share', 'whose'],
            [[code(name), n, '%.2f' % (ns / 1e6), '%.1f %%' % (100 * ns / total), 'ours' if ours else 'library']
             for name, (n, ns, ours) in most])


def is_ours(kernel):
    """Whose kernel it is, by the scope of its name and not by a type among its arguments."""
    return re.match(r'(?:[\w ]+ )?cawe::', kernel) is not None


def label(kernel):
    """A name to read: without scopes and parameters; a library's without template arguments as well."""
    name = re.sub(r'\(anonymous namespace\)::|<unnamed>::|\bcawe::(on_cuda::)?', '', kernel)
    name = name[5:] if name.startswith('void ') else name
    depth = 0
    for i, letter in enumerate(name):
        depth += (letter == '<') - (letter == '>')
        if letter == '(' and depth == 0:
            name = name[:i]
            break
    if is_ours(kernel):
        return name
    tile = re.match(r'(.*?_gemm(?:_indexed)?)_.*_tilesize([0-9x]+)', name)
    return '%s %s' % tile.groups() if tile else name.split('<')[0]

# SPDX-License-Identifier: Apache-2.0
"""Times: kernels at large sizes and whole steps beside PyTorch, and what a step's time goes to."""
import re

from gpu_report.markdown import code, count, figure, ratio, table

# PyTorch's batch norm is one call per direction, this project's is two launches that move the data.
BATCH_NORM = {'forward': ('batch_norm_train_coefficients', 'channel_affine relu'),
              'backward': ('batch_norm_grad_sums relu', 'batch_norm_grad_input relu')}
MOST = 12


def kernels(archive):
    out = ['## Kernels at large sizes', '']
    found = archive.objects('kernels.jsonl')
    ours = {o['case']: o for o in found if 'failed' not in o}
    failed = ['- %s fails: %s' % (o['case'], o['failed']) for o in found if 'failed' in o]
    torch = {o['case']: o['median_us'] for o in archive.objects('torch_kernels.jsonl') if 'median_us' in o}
    products = {o['case']: o['median_us'] for o in archive.objects('ceilings.jsonl') if 'matmul' in o['case']}
    if not ours:
        return out + ['Not measured.', ''] + failed
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
            'ours is faster. PyTorch\'s batch norm is one call: beside it the sum of our two launches of that direction. Images of ours '
            'lie as in a network of their type, f32 in NCHW and 16 bits in channels-last, PyTorch\'s in the order in which it is faster.', '']
    out += table(['case', 'us', 'GB/s', 'of copy', 'PyTorch us', 'ours / PyTorch'], rows)
    out += failed + [''] if failed else []
    return out + (['PyTorch alone: %s.' % '; '.join(left), ''] if left else [])


def steps(archive):
    out = ['## Steps', '']
    by_graph, refused = by_step(archive.objects_of('steps_graph*.jsonl'), lambda o: o['case'])
    ours, failed = by_step([o for name in sorted({f.name for f in archive.folder.glob('steps*.jsonl')})
                            if not name.startswith('steps_graph') for o in archive.objects(name)], lambda o: o['case'])
    torch, lost = by_step(archive.objects_of('torch_steps*.jsonl', 'torch_compiled*.jsonl'),
                          lambda o: '%s %s' % (o['case'], o.get('mode', '')))
    failed += [dict(o, case=o['case'] + " by cuDNN's graph interface") for o in refused]
    if not ours:
        return out + ['Not measured.', ''] + failures(failed, lost)
    out += ['Median ms of a step: ours plain and captured as a CUDA graph, PyTorch\'s eager, as a graph and through torch.compile, '
            'the faster mode of it; peak MB of the plain and the eager one. "training_with_targets": true boxes are uploaded before '
            'each step; "training_with_films": the next batch\'s films behind it, too, and the host waits for loss and norm. '
            'The last column is our better time by PyTorch\'s best '
            'one of those there are: below 1 ours is faster. PyTorch\'s figure is there for %d of %d steps.' % (
                sum(key in torch for key in ours), len(ours)), '']
    out += table(['step', 'batch', 'type', 'plain', 'captured', 'peak MB', 'eager', 'graph', 'compiled', 'peak MB', 'ratio'],
                 [step_row(key, modes, torch.get(key, {})) for key, modes in ours.items()])
    how = ['%s b%s %s: %s' % (*key, described(o)) for key, modes in torch.items() for o in modes.values() if 'how' in o]
    out += ['PyTorch\'s ways: %s.' % '; '.join(how), ''] if how else []
    if by_graph:
        out += ["Ours by cuDNN's graph interface (`CAWE_CUDNN=graph`): %s." % '; '.join(
            '%s b%s %s %s %s ms' % (*key, mode, figure(o['median_ms'])) for key, modes in by_graph.items()
            for mode, o in modes.items()), '']
    left = ['%s b%s %s' % key for key in torch if key not in ours]
    return out + (['PyTorch alone: %s.' % '; '.join(left), ''] if left else []) + failures(failed, lost)


def step_row(key, ours, theirs):
    plain, captured = ours.get('plain', ours.get('', {})), ours.get('captured', {})
    compiled = min((o for mode, o in theirs.items() if mode.startswith('compiled')), key=milliseconds, default={})
    eager, graph = theirs.get('eager', {}), theirs.get('graph', {})
    best = lambda *of: min((milliseconds(o) for o in of if o), default=None)
    return [key[0], plain.get('batch', captured.get('batch')), key[2], figure(milliseconds(plain)), figure(milliseconds(captured)),
            count_or(plain.get('peak_mb')), figure(milliseconds(eager)), figure(milliseconds(graph)),
            figure(milliseconds(compiled)), count_or(eager.get('peak_mb')), ratio(best(plain, captured), best(eager, graph, compiled))]


def milliseconds(o):
    return o.get('median_ms')


def described(o):
    seconds = ', %.0f s to compile' % o['compile_s'] if 'compile_s' in o else ''
    return '%s: %s%s' % (o.get('mode', ''), o['how'], seconds)


def count_or(number):
    return '-' if number is None else count(number)


def by_step(objects, title):
    """({(step, batch, type): {mode: object}}, [what failed])"""
    found, failed = {}, []
    for o in objects:
        if o['case'] == 'failed' or 'failed' in o:
            failed.append(o)
            continue
        name = re.match(r'(.*?) +b(\d+) (\w+) ?([\w ]*)$', title(o).strip())
        if name:
            modes = found.setdefault(name.groups()[:3], {})
            if o['median_ms'] <= modes.get(name.group(4), o)['median_ms']:  # the faster, where one was timed twice
                modes[name.group(4)] = o
    return found, failed


def failures(ours, theirs):
    out = ['- %s fails: %s' % (re.sub(' +', ' ', o['case']), o['failed']) for o in ours]
    for o in theirs:
        of = ''.join(', %s %s' % (key, o[key]) for key in ('network', 'type', 'batch', 'mode') if key in o)
        out.append('- PyTorch fails%s: %s' % (of, o.get('why', o.get('failed', '?'))))
    return out + [''] if out else []


def profiles(archive):
    """The kernels' share of every step whose kernels were all timed."""
    out = ['## Kernels of a step', '']
    for name in sorted(path.name for path in archive.folder.glob('step_*.csv')):
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

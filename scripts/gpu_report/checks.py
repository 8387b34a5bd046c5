# SPDX-License-Identifier: Apache-2.0
"""What ran on which device, and what held there: kernel cases, tests, compute-sanitizer, the program."""
import re

from gpu_report.markdown import code, count, table

TESTS = ('device_operators', 'training_step', 'training_step_detectors', 'training_step_gan', 'step_runner',
         'device_operators_graph', 'training_step_graph')  # convolutions by cuDNN's graph interface
COMPLAINT = r'=========\s+(Uninitialized|Invalid|Misaligned|Program hit|(Error|Warning):|Barrier|Host API|(Potential )?RAW|WAR|WAW)'
MOST_TOLD = 20
TOOLS = ('memcheck', 'memcheck_step', 'racecheck', 'initcheck', 'synccheck')


def device(archive):
    lines = archive.lines('device.txt')
    card = next((line for line in lines if ' MiB' in line), '').split(', ') + [''] * 5
    release = re.search(r'release ([\d.]+)', ' '.join(lines))
    date = next((line for line in lines if re.fullmatch(r'\d{4}-\d\d-\d\d', line)), '?')
    revision = next((line for line in lines if re.fullmatch(r'\S*[0-9a-f]{7,}(-dirty)?', line)), '?')
    out = ['## Device and its ceilings', '']
    if lines:
        out += ['%s, %s; clocks at most %s (SM) and %s (memory). Driver %s, CUDA %s. Revision %s, %s.' % (
            card[0], card[2], card[3], card[4], card[1], release.group(1) if release else '?', code(revision), date), '']
    ceilings = archive.objects('ceilings.jsonl')
    if ceilings:
        out += table(['PyTorch, median', 'us', 'reached'], [
            [o['case'], count(o['median_us']), '%s GB/s' % count(o['gb_s']) if 'gb_s' in o else '%.1f TFLOP/s' % o['tflops']]
            for o in ceilings])
    return out


def checks(archive):
    return (['## What holds on the device', ''] + cases(archive) + tests(archive) + sanitizers(archive) + program(archive) +
            libraries(archive) + console(archive) + [''])


def cases(archive):
    found = [o for o in archive.objects('cases.jsonl') if {'name', 'shape', 'passed', 'error', 'tolerance'} <= set(o)]
    if not found:
        return []
    failed = [o for o in found if not o['passed']]
    total = number_of_cases(archive) or len(found)
    out = ['- Kernel cases: %s of %s hold.' % (count(len(found) - len(failed)), count(total))]
    if len(found) < total:
        archive.notes.setdefault('cases.jsonl', 'cut: %d of %d cases' % (len(found), total))
    for o in failed:
        error = 'not finite' if o['error'] is None else o['error']  # JSON has no infinity
        out.append('  - %s %s: error %s, tolerance %s%s' % (code(o['name']), o['shape'], error, o['tolerance'], said(o)))
    told = [o for o in found if o['passed'] and o.get('message')]
    out += ['  - %s %s holds%s' % (code(o['name']), o['shape'], said(o)) for o in told[:MOST_TOLD]]
    return out + (['  - and %d more that hold and say something' % (len(told) - MOST_TOLD)] if len(told) > MOST_TOLD else [])


def said(o):
    return '; ' + o['message'].replace('\n', '; ') if o.get('message') else ''


def number_of_cases(archive):
    """What the program says that it has; 0 where a cut run did not ask it."""
    if not (archive.folder / 'cases.count').exists():
        return 0
    lines = archive.lines('cases.count')
    return int(lines[0]) if lines and lines[0].isdigit() else 0


def tests(archive):
    """Results of GoogleTest programs, in one process or several: behind a test at which one died, and those that failed behind
    one that may have lost the device, are run once more. One that was cut off has no last line."""
    out = []
    for name in TESTS:
        lines = archive.lines(name + '.txt')
        if not lines:
            continue
        of = {mark: {line.split('] ')[1].split(', where')[0].split(' (')[0] for line in lines
                     if line.startswith('[%s]' % mark) and '.' in line} for mark in (' RUN      ', '  SKIPPED ', '       OK ', '  FAILED  ')}
        began, skipped, passed, failed = of.values()
        last = max((i for i, line in enumerate(lines) if re.match(r'\[==========\] Running ', line)), default=0)
        ended = any(re.match(r'\[==========\].* ran\.', line) for line in lines[last:])
        if not ended:
            archive.notes[name + '.txt'] = 'cut: the tests did not end'
        out.append('- Tests %s: %d passed, %s%s%s%s' % (
            code(name), len(passed), named('failed', failed - passed) or 'none failed',
            *(', ' + text if text else '' for text in (
                named('ended the program', began - skipped - passed - failed),
                named('passed only in a new process', passed & failed))),
            '' if ended else '; **it did not end**'))
    return out


def named(what, names):
    return '%d %s: %s' % (len(names), what, ', '.join(map(code, sorted(names)))) if names else ''


def sanitizers(archive):
    """A tool's summary holds for the cases that it saw, so their number stands beside it."""
    out = []
    for name in TOOLS:
        lines = archive.lines(name + '.txt')
        # The second summary of a file says how many errors were not printed.
        summary = next((line for line in lines if 'SUMMARY' in line and 'not printed' not in line), None)
        if summary:
            seen = sum(line.startswith('{"name":') for line in lines)
            out.append('- compute-sanitizer %s: %s%s%s%s' % (
                code(name), summary.strip('= ').split('SUMMARY: ')[-1], where(lines), ' in %s cases' % count(seen) if seen else '',
                broken_off(archive, name, lines, seen)))
        elif lines:
            archive.notes[name + '.txt'] = 'cut: without a summary'
    return out


def broken_off(archive, name, lines, seen):
    """Whether a tool that sees all cases did not see them all, or did not work."""
    strange = [line.strip('= ') for line in lines
               if re.match(r'=========\s+(Target application returned an error|Error: Target|Internal Sanitizer|.*not supported)', line)]
    if name in ('memcheck', 'initcheck') and seen < number_of_cases(archive):
        strange.append('%d of %d cases' % (seen, number_of_cases(archive)))
    return '; **%s**' % '; '.join(dict.fromkeys(strange)) if strange else ''


def where(lines):
    """The cases in which a tool reports something: a case's line comes after its findings."""
    cases, complained = [], False
    for line in lines:
        complained = complained or re.match(COMPLAINT, line) is not None
        case = re.match(r'\{"name":"(.*?)","shape":"(.*?)"', line)
        if case:
            if complained:
                cases.append('%s %s' % (code(case.group(1)), case.group(2)))
            complained = False
    return ' (in %s)' % ', '.join(cases) if cases else ''


def program(archive):
    lines = archive.lines('program.txt')
    if not lines:
        return []
    held = sum(line.startswith('ok ') for line in lines)
    same = sum(line.startswith('same ') for line in lines)
    wrong = [line for line in lines if re.match(r'(FAILS|DIFFERENT) ', line)]
    out = ['- The program: commands that hold: %d; pairs of runs that end in the same bytes: %d; failures: %d.' % (
        held, same, len(wrong))]
    return out + ['  - %s' % line.rstrip(': ') for line in wrong]


def libraries(archive):
    """What cuDNN and cuBLASLt said of errors while a program ran: how often, and each reason once. cuDNN's errors go through
    several calls of its own, each with a line; cuBLASLt's are a line."""
    out = []
    for path in sorted([*archive.folder.glob('*.cudnn'), *archive.folder.glob('*.cublaslt')]):
        lines = archive.lines(path.name)
        errors = sum(re.match(r'E! |\[.*\[Error\]', line) is not None for line in lines)
        reasons = list(dict.fromkeys(found.group(1).strip() for found in (
            re.search(r'(?:^e! +Error:|\[Error\])(.*)', line) for line in lines) if found))
        out.append('- %s: %d error%s: %s' % (code(path.name), errors, '' if errors == 1 else 's',
                                             '; '.join(reasons[:3] + ['...'] * (len(reasons) > 3))))
    return out


def console(archive):
    """What scripts/gpu-check itself said of parts and programs that did not end well; each call has a file."""
    said = [line for path in sorted(archive.folder.glob('console_*.txt')) for line in archive.lines(path.name)]
    revisions = list(dict.fromkeys(line for line in said if line.startswith('gpu-check: revision ')))
    mixed = ['- **Calls of several revisions**: ' + ', '.join(r.split()[-1] for r in revisions)] if len(revisions) > 1 else []
    wrong = r'exit [1-9]|not begun|time was up|built here|cannot be unpacked|no archive'
    return mixed + ['- ' + line for line in said if re.search(wrong, line)]

# SPDX-License-Identifier: Apache-2.0
"""The measured part of the page, between two markers; the text around them is written by hand."""
from gpu_report import checks, convolutions, counters, speed
from gpu_report.markdown import code

BEGIN, END = '<!-- measured: begin -->', '<!-- measured: end -->'


NETWORKS = ('resnet50', 'retinanet', 'faster_rcnn', 'generator', 'critic')
# What a whole contact leaves, besides the files that every section looks for.
EXPECTED = (['steps_%s.jsonl' % net for net in NETWORKS] + ['steps_%s_tf32.jsonl' % net for net in NETWORKS] +
            ['torch_steps_%s.jsonl' % net for net in NETWORKS] +
            ['torch_compiled_%s.jsonl' % net for net in NETWORKS] +
            ['steps_graph_%s.jsonl' % net for net in ('resnet50', 'retinanet')] +
            ['convolutions.jsonl', 'step_*.csv', 'console_*.txt'])


def measured(archive):
    out = ['*Written by `scripts/gpu-report`; do not edit between the markers.*', '']
    for section in (checks.device, checks.checks, counters.section, speed.kernels, speed.steps, speed.profiles,
                    convolutions.section):
        out += section(archive)
    for name in EXPECTED:
        if not any(archive.folder.glob(name)):
            archive.notes[name] = 'missing'
    for line in archive.lines('left_out.txt') if (archive.folder / 'left_out.txt').exists() else []:
        name, _, size = line.partition(': ')
        if not (archive.folder / name).exists():
            archive.notes[name] = 'left out of the archive: %s' % size
    missing = ['- %s: %s' % (code(name), why) for name, why in sorted(archive.notes.items())]
    unread = archive.unread()
    if unread:
        missing.append('- In no section: %s' % ', '.join(map(code, unread)))
    return out + (['## Missing in this run', ''] + missing + [''] if missing else [])


def write(page, archive):
    text = page.read_text() if page.exists() else ''
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise SystemExit('gpu-report: %s has no line %s with %s after it' % (page, BEGIN, END))
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    page.write_text('%s%s\n\n%s\n%s%s' % (before, BEGIN, '\n'.join(measured(archive)).rstrip('\n') + '\n', END, after))

# SPDX-License-Identifier: Apache-2.0
"""The measured part of the page, between two markers; the text around them is written by hand."""
from gpu_report import checks, convolutions, counters, speed
from gpu_report.markdown import code

BEGIN, END = '<!-- measured: begin -->', '<!-- measured: end -->'


def measured(archive):
    files = archive.folder.glob('*') if archive.folder.is_dir() else []
    if not any(path.is_file() and path.stat().st_size for path in files):
        return ['**Nothing was measured**: there are no results of `scripts/gpu-check`.', '']
    out = ['*Written by `scripts/gpu-report`; do not edit between the markers.*', '']
    for section in (checks.device, checks.checks, counters.section, speed.kernels, speed.steps, speed.profiles,
                    convolutions.section):
        out += section(archive)
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

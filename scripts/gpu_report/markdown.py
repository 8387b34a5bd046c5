# SPDX-License-Identifier: Apache-2.0
"""Tables and numbers as GitHub shows them."""


def table(header, rows):
    """Lines of a table; all columns but the first are numbers, to the right. An empty line follows."""
    lines = ['| ' + ' | '.join(header) + ' |', '|---' + '|---:' * (len(header) - 1) + '|']
    return lines + ['| ' + ' | '.join(str(cell) for cell in row) + ' |' for row in rows] + ['']


def count(number):
    return '{:,.0f}'.format(number)


def figure(number):
    """Three significant digits; 0 and missing values are shorter."""
    if number is None:
        return '-'
    return '{:,.0f}'.format(number) if number >= 100 else '%.1f' % number if number >= 10 else '%.2f' % number


def ratio(ours, theirs):
    return '%.2f' % (ours / theirs) if ours is not None and theirs else '-'


def code(text):
    return '`' + text.replace('|', '/').replace('`', "'") + '`'

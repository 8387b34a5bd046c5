# SPDX-License-Identifier: Apache-2.0
"""cuDNN's convolutions for the networks' shapes: its two interfaces side by side."""
from gpu_report.markdown import figure, ratio, table


def section(archive):
    """The fastest algorithm of the older interface that gives the same bits each time, and what the graph interface names
    first and what is its fastest of the four that it names."""
    if not (archive.folder / 'convolutions.jsonl').exists():
        return []
    rows = {}
    for o in archive.objects('convolutions.jsonl'):
        ways = rows.setdefault((o['case'], o['pass'].split()[0], o['type'], o['math'], o['layout']), {})
        if o['pass'].endswith(' graph') and 'bias' not in o['pass'] and o['ms'] >= 0:
            ways.setdefault('graph', []).append(o)
        elif o['pass'].endswith(' find') and o['status'] == 0 and o['deterministic']:
            ways.setdefault('older', []).append(o)
    out = []
    for key, ways in rows.items():
        older = min((o['ms'] for o in ways.get('older', [])), default=None)
        graph = sorted(ways.get('graph', []), key=lambda o: o['place'])
        first, fastest = (graph[0]['ms'], min(o['ms'] for o in graph)) if graph else (None, None)
        if older is not None or graph:
            out.append([key[0], key[1], ' '.join(key[2:]), figure(older), figure(first), figure(fastest), ratio(first, older)])
    if not out:
        return []
    return ['## Convolutions by both interfaces of cuDNN', '',
            'ms; older: its fastest algorithm that gives the same bits each time. The last column is what the graph interface names '
            'first by that.', '', '<details><summary>All shapes</summary>', ''] + table(
                ['shape', 'pass', 'type', 'older', 'graph: first', 'graph: fastest', 'ratio'], out) + ['</details>', '']

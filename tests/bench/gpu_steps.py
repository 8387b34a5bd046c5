# SPDX-License-Identifier: Apache-2.0
"""bench_gpu_steps on a device that computes nothing: it lists what it times, every network's cases can be queued and captured,
and PyTorch beside it has its batches and names.

usage: python3 tests/bench/gpu_steps.py counted_gpu_steps
"""
import ast

from common import ROOT, lines_of, run, same

NETWORKS = ('resnet50', 'retinanet', 'faster_rcnn', 'generator', 'critic')
listed = run('--list')
assert len(set(listed)) == len(listed), listed
same('networks', sorted({name.split()[0] for name in listed}), sorted(NETWORKS))
for name in listed:
    net, what, batch, type_, way = name.split()
    detector, colorizer = net in ('retinanet', 'faster_rcnn'), net in ('generator', 'critic')
    assert way in ('plain', 'captured') and type_ in ('f32', 'f16', 'bf16'), name
    assert what in ('training', *(('training_with_targets', 'detect') if detector else ('inference',)),
                    *(() if colorizer else ('training_with_films',))), name
assert 'retinanet training_with_targets b32 bf16 captured' in listed and 'resnet50 training_with_films b8 bf16 plain' in listed
assert 'generator inference b32 f32 captured' in listed
# What is named by a filter; TF32 by its own name, and at once.
tf32 = run('--list', 'generator training b8 tf32', CAWE_TF32='1')
same('TF32', tf32, ['generator training b8 tf32 plain', 'generator training b8 tf32 captured'])
same('TF32', run('--list', 'tf32'), [])
same('parts', run('--list', '--from', '6'), [name for name in listed if ' f16 ' in name])

# Batches in PyTorch's order are ours: the first two come first on both sides.
tree = ast.parse((ROOT / 'scripts/peer/torch_gpu_networks.py').read_text())
batches = {node.name: ast.literal_eval(entry.value) for node in tree.body if isinstance(node, ast.ClassDef) for entry in node.body
           if isinstance(entry, ast.Assign) and ast.unparse(entry.targets[0]) == 'batches'}
for net in NETWORKS:
    ours = dict.fromkeys(int(name.split()[2][1:]) for name in listed if name.startswith(net + ' ') and ' bf16 ' in name)
    same(net, ours, batches['Colorizer' if net in ('generator', 'critic') else 'Step'])

# All cases of one type and batch, each network made once: the wanted order, and what is captured is captured. Small batches,
# since the networks' inputs are made on the host.
names = [name for name in listed if ' b2 bf16 ' in name]
cases, begun = lines_of(' b2 bf16 ')
same('cases', [case['case'] for case in cases], names)
same('parts', begun, [2] * 2 * len(NETWORKS))  # before a network is made, and behind that
cases, _ = lines_of('faster_rcnn training_with_targets b2 f32 captured')
same('cases', [case['case'] for case in cases], ['faster_rcnn training_with_targets b2 f32 captured'])
cases, _ = lines_of('--once', 'resnet50 training b2 f32')
same('once', [case['case'] for case in cases], ['resnet50 training b2 f32 plain'])
_, begun = lines_of(' detect b2 bf16 plain', code=9, CAWE_LOST='2')
same('parts', begun, [2] * 4)
# A word between steps that take long: behind the first round, and behind a case.
slow, begun = lines_of('critic inference b2 bf16 plain', CAWE_SLOW='2.1')
same('cases', [case['case'] for case in slow], ['critic inference b2 bf16 plain'])
same('parts of slow steps', begun, [2] * 3)
print('gpu_steps: ok, %d cases' % len(listed))

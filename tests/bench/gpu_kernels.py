# SPDX-License-Identifier: Apache-2.0
"""bench_gpu_kernels on a device that computes nothing: every case can be queued at its full size, is one call of its primitive
that packs nothing, and moves the bytes that it says; every primitive is timed, or it is said why not; PyTorch beside it has
its names.

usage: python3 tests/bench/gpu_kernels.py counted_gpu_kernels
"""
import json
import re
import sys
from unittest.mock import MagicMock

from common import ROOT, lines_of, run, same

# Primitives that are not timed, and why.
NOT_TIMED = dict(line.split(': ', 1) for line in (ROOT / 'bench/gpu_kernels/not_timed.txt').read_text().splitlines())
# Cases whose bytes are not those of their operands, each once: the share, and why.
IN_PLACE = 'read and written in place'
SHARES = {
    'accumulate': (3 / 2, IN_PLACE), 'scale_each': (2, IN_PLACE), 'sgd_steps f32 64M': (5 / 3, IN_PLACE),
    'sgd_steps f32 64M, gradients in bf16': (18 / 10, IN_PLACE), 'adam_steps': (7 / 4, IN_PLACE),
    'unary_grad': (3 / 4, 'a sigmoid\'s gradient needs its output alone'),
    'roi_align f32': (None, 'levels have gaps between regions'), 'roi_align bf16': (None, 'as in f32'),
    'decode_filtered': (None, 'the chosen candidates alone'), 'join_boxes': (None, 'the kept boxes alone'),
    'match_targets 128': (None, 'the chosen regions alone'),
}
# What has its real size, which is less than 256 MB: weights, losses of a detector, what detection decides, products.
SMALL = ('spectral_norm', 'weight_norm', 'sigmoid_focal_loss f32 32x49104', 'sigmoid_focal_loss_grad f32 32x49104', 'nms', 'top_k',
         'decode_filtered', 'match_', 'sample_', 'join_boxes', 'place_regions', 'attention', 'matmul')
# What a case calls besides its primitive. Else it would pack an operand, and a network would not.
BESIDE = {
    'roi_align f32': {'copy': 5},  # f32 networks lie in NCHW: four levels on the way in, and the regions
    'roi_align_grad f32': {'copy': 5},
    'content_loss': {'fill': 1, 'copy': 1},  # a ticket; the sum into f64
    'cawe_enhance': {'fill': 1, 'copy': 3},  # tickets; the range into f64
}

parts = run('--list')
cases, begun = lines_of()
same('parts', begun, range(len(parts)))
names = [case['case'] for case in cases]
assert len(set(names)) == len(names), 'a name twice among %s' % names

timed, wrong = set(), []
for case in cases:
    name, calls = case['case'], dict(case['calls'])
    wanted = {'convert': 'copy'}.get(name.split()[0], name.split()[0])
    timed.add(wanted)
    beside = next((more for start, more in BESIDE.items() if name.startswith(start + ' ')), {})
    if calls != {wanted: 1, **beside}:
        wrong.append('%s calls %s' % (name, calls))
    # A row or a column of small numbers beside the large operands is left out of a case's bytes.
    share = next((value for start, (value, _) in SHARES.items() if name == start or name.startswith(start + ' ')), 1)
    if share and abs(case['bytes'] / share - case['operand_bytes']) > 0.005 * case['operand_bytes']:
        wrong.append('%s says %.0f bytes, its operands have %.0f' % (name, case['bytes'], case['operand_bytes']))
    if not share and case['bytes'] > case['operand_bytes']:
        wrong.append('%s says more than its operands have' % name)
    if not name.startswith(SMALL) and case['bytes'] < 0.99 * 2 ** 28:
        wrong.append('%s moves %.0f bytes' % (name, case['bytes']))
assert not wrong, '\n'.join(wrong)

families = ''.join(family.read_text() for family in (ROOT / 'tensor/primitives').glob('*.inc'))
primitives = set(re.findall(r'^CAWE_OP\((\w+)', families, re.M))
assert len(primitives) > 60, primitives
missing, needless = primitives - timed - set(NOT_TIMED), set(NOT_TIMED) & timed | set(NOT_TIMED) - primitives
assert not missing, 'primitives that are not timed, and bench/gpu_kernels/not_timed.txt does not say why: %s' % sorted(missing)
assert not needless, 'timed, or no primitive: %s' % sorted(needless)

# All of it within scripts/gpu-check's limit: each case 23 times with a GiB written and read before it, at 3 TB/s.
seconds = sum(23 * (case['bytes'] + 2 * 2 ** 30) / 3e12 for case in cases)
assert seconds < 15, '%.0f s' % seconds

# Behind a part, and where the device is lost.
last, begun = lines_of('--from', str(len(parts) - 2))
same('parts', begun, [len(parts) - 2, len(parts) - 1])
same('cases', [case['case'] for case in last], names[-len(last):])
_, begun = lines_of(code=9, CAWE_LOST='4')  # asked behind the copy that rates are of, too
same('parts', begun, [0, 1, 2])
# Where not even a copy can be timed it is said why.
for code, more in ((1, {}), (9, {'CAWE_LOST': '1'})):
    line, = [json.loads(line) for line in run(code=code, CAWE_MEMORY_MB='256', **more)]
    assert line['case'] == 'copy rate' and 'memory' in line['failed'], line

# PyTorch's side with everything of PyTorch replaced: its names, no times.
for module in ('torch', 'torch.nn', 'torch.nn.functional', 'torch.nn.attention', 'torchvision'):
    sys.modules[module] = MagicMock()
sys.path.insert(0, str(ROOT / 'scripts/peer'))
import torch_gpu_kernels  # noqa: E402
import torch_gpu_primitives  # noqa: E402

# Its cache holds neither operands nor what must be written back, as gpu_machine.cpp's.
torch, calls = sys.modules['torch'], MagicMock()
torch.empty, torch.cuda.Event = calls.empty, calls.Event
calls.Event.return_value.elapsed_time.return_value = 1
torch_gpu_kernels.median_us(calls.launch, 1)
order = [name.split('.')[-1] for name, *_ in calls.mock_calls]
same('before a launch', [name for name in order if name in ('fill_', 'sum', 'record', 'launch')][:4], ['fill_', 'sum', 'record', 'launch'])

theirs = []


def note(case, *_, **values):
    assert case != 'failed', values
    theirs.append(case)


for module in (torch_gpu_kernels, torch_gpu_primitives):
    module.median_us, module.say = lambda *_, **__: 1.0, note
torch_gpu_primitives.timed, torch_gpu_primitives.shuffled = note, MagicMock()
torch_gpu_primitives.kernels()
# Its batch norm is one call for two launches of ours (scripts/gpu_report/speed.py).
sys.path.insert(0, str(ROOT / 'scripts'))
from gpu_report.speed import BATCH_NORM  # noqa: E402

for case in theirs:
    norm = re.match(r'batch_norm relu (forward|backward) (.*)', case)
    for ours in ['%s %s' % (part, norm[2]) for part in BATCH_NORM[norm[1]]] if norm else [case]:
        assert ours in names, '%s is none of ours' % ours
assert len(set(theirs)) == len(theirs) > 60, theirs
print('gpu_kernels: ok, %d cases in about %.1f s of a device, %d beside PyTorch' % (len(names), seconds, len(theirs)))

# SPDX-License-Identifier: Apache-2.0
"""scripts/gpu-report on a small archive in the formats that the tools write: figures, what is cut, what is missing.

usage: python3 tests/apps/gpu_report.py
"""
import csv
import io
import json
import shutil
import subprocess
import sys
import tarfile

from common import ROOT, WORK

RESULTS, PAGE = WORK / 'results', WORK / 'page.md'
RESULTS.mkdir()
AROUND = '# Results\n\nby hand\n\n<!-- measured: begin -->\nold\n<!-- measured: end -->\n\nbelow\n'
TRAFFIC = ['l1tex__%s_op_%s.%s' % (what, way, sum_) for what in (
    't_requests_pipe_lsu_mem_global', 't_sectors_pipe_lsu_mem_global', 'data_pipe_lsu_wavefronts_mem_shared')
    for way in ('ld', 'st') for sum_ in ('avg', 'sum')]


def put(name, text):
    (RESULTS / name).write_text(text)


def put_objects(name, objects, tail=''):
    put(name, ''.join(json.dumps(o) + '\n' for o in objects) + tail)


def ncu_csv(units, launches, nvtx=True, ended=True):
    """What `ncu --csv --page raw` prints: its messages, the program's output, names, units, a line a launch."""
    out = io.StringIO()
    out.write('==WARNING== Note: Running with unmodified GPU clocks.\n==PROF== Connected to process 7 (/bin/program)\n')
    out.write('{"name":"softmax","shape":"f32 2x9","passed":true}\n')
    out.write('==PROF== Disconnected from process 7\n' if ended else '==PROF== Trying to shutdown target application\n')
    rows = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator='\n')
    ranges = ['thread Domain:Push/Pop_Range:PL_Type:PL_Value:CLR_Type:Color:Msg_Type:Msg'] if nvtx else []
    rows.writerow(['ID', 'Process ID'] + ranges + ['Kernel Name', 'Block Size'] + list(units))
    rows.writerow(['', ''] + [''] * len(ranges) + ['', ''] + list(units.values()))
    for i, (case, kernel, values) in enumerate(launches):
        span = ['7  "<default domain>:%s:none:none:none:none:none:none" ' % case] if nvtx else []
        rows.writerow([str(i), '7'] + span + [kernel, '(256, 1, 1)'] +
                      ['{:,}'.format(values.get(key, 0)) for key in units])
    return out.getvalue()


def counts(requests, sectors, wavefronts, read, written=0):
    """Metrics of a launch; loads and stores in halves, averages that nobody is to add."""
    values = {key: 3 for key in TRAFFIC if key.endswith('.avg')}
    for what, total in zip(('t_requests', 't_sectors', 'wavefronts'), (requests, sectors, wavefronts)):
        for key in TRAFFIC:
            if what in key and key.endswith('.sum'):
                values[key] = total - total // 2 if '_ld' in key else total // 2
    return dict(values, **{'dram__bytes_read.sum': read, 'dram__bytes_write.sum': written})


def case(name, shape, sites, read, written):
    """Of the emulator; sites: [(space, access, requests, units)] of one launch each."""
    launches = [{'kernel': name, 'sites': [dict(zip(('space', 'access', 'requests', 'units'), s)) for s in of]}
                for of in sites]
    both = [s for of in sites for s in of if s[0] == 'global']
    return {'name': name, 'shape': shape, 'launches': launches, 'counters': {
        'global_requests': sum(s[2] for s in both), 'global_sectors': sum(s[3] for s in both),
        'unique_read_bytes': read, 'unique_written_bytes': written}}


def report(code=0, *results):
    done = subprocess.run([sys.executable, ROOT / 'scripts/gpu-report', *(results or [RESULTS]), '--page', PAGE],
                          capture_output=True, text=True)
    assert done.returncode == code, done.stdout + done.stderr
    return PAGE.read_text() if code == 0 else done.stderr


def expect(text, *lines):
    for line in lines:
        assert line + '\n' in text, '%r is not a line of\n%s' % (line, text)


def expect_in(text, *parts):
    for part in parts:
        assert part in text, '%r is not in\n%s' % (part, text)


# Nothing measured: said so, and the page stays.
PAGE.write_text(AROUND)
expect_in(report(2), '%s: nothing was measured\n' % RESULTS)
assert PAGE.read_text() == AROUND
put('device.txt', 'x\n')
page = report()
assert page.startswith('# Results\n\nby hand\n\n<!--') and page.endswith('end -->\n\nbelow\n'), page
assert '\nold\n' not in page, page
PAGE.write_text('# Results\n')
expect_in(report(1), 'has no line <!-- measured: begin -->')
PAGE.write_text(AROUND)

# What ran, and what holds.
put('device.txt', 'NVIDIA H200, 580.1, 143771 MiB, 1980 MHz, 3201 MHz\n'
    'Cuda compilation tools, release 13.0, V13.0.88\nabc1234-dirty\n2026-11-28\n')
put_objects('ceilings.jsonl', [{'case': 'copy 1 GiB', 'median_us': 508.03, 'gb_s': 4227.06},
                               {'case': 'matmul 4096 f32', 'median_us': 2000.0, 'tflops': 49.51}])
put_objects('cases.jsonl', [{'name': 'convert', 'shape': 'f32 to u8', 'passed': False, 'error': 175, 'tolerance': 0,
                             'message': ''}, {'name': 'nms', 'shape': 'f32 9', 'passed': False, 'error': None,
                                              'tolerance': 0, 'message': 'lost\nat (0, 3): 1 and 2'},
                            {'name': 'softmax', 'shape': 'f32 2x9', 'passed': True, 'error': 0, 'tolerance': 0,
                             'message': 'another way'}], '{"step":1}\n{"name":"softm')
put('cases.count', '4\n')
put('console_101112.txt', 'gpu-check: facts\nceilings.jsonl: exit 0, 9 s\nmemcheck.txt: exit 9, 12 s\nncu.csv: not begun, the time is up\n'
    'gpu-check: the time was up; left: scripts/gpu-check --part profile\n')
put('device_operators.txt', '''Running main() from gtest_main.cc
[==========] Running 2 tests from 1 test suite.
[ RUN      ] DeviceOperators.Agrees/relu
[       OK ] DeviceOperators.Agrees/relu (53 ms)
[ RUN      ] DeviceOperators.Agrees/attention
[  FAILED  ] DeviceOperators.Agrees/attention, where GetParam() = "attention" (148 ms)
[==========] 2 tests from 1 test suite ran. (200 ms total)
[  PASSED  ] 1 test.
[  FAILED  ] 1 test, listed below:
[  FAILED  ] DeviceOperators.Agrees/attention, where GetParam() = "attention"

 1 FAILED TEST
''')
put('training_step_gan.txt',
    '[==========] Running 4 tests from 1 test suite.\n[       OK ] GanStep.One (3 ms)\n[ RUN      ] GanStep.Two\n')
put('step_runner.txt', '')
# In three processes: the device lost in B, so that C fails, too; D dies; E is cut off.
put('training_step_graph.txt', '''[==========] Running 6 tests from 1 test suite.
[ RUN      ] Step.A
[  SKIPPED ] Step.A (1 ms)
[ RUN      ] Step.B
[  FAILED  ] Step.B, where GetParam() = 1 (9 ms)
[ RUN      ] Step.C
[  FAILED  ] Step.C, where GetParam() = 2 (9 ms)
[==========] 6 tests from 1 test suite ran. (20 ms total)
[  FAILED  ] 2 tests, listed below:
[  FAILED  ] Step.B, where GetParam() = 1
[  FAILED  ] Step.C, where GetParam() = 2
[==========] Running 4 tests from 1 test suite.
[ RUN      ] Step.C
[       OK ] Step.C (9 ms)
[ RUN      ] Step.D
[==========] Running 2 tests from 1 test suite.
[ RUN      ] Step.E
''')
# As cuDNN 9.19 and cuBLASLt 13 write them.
put('training_step.txt.cudnn', '''
E! CuDNN (v91900 56) function cudnnSetTensor4dDescriptor() called:
e!         Error: CUDNN_STATUS_BAD_PARAM; Reason: (n <= 0)
e! Time: 2026-11-30T06:35:34.127158 (0d+0h+0m+0s since start)
e! Process=17000; Thread=17000; GPU=NULL; Handle=NULL; StreamId=NULL.


E! CuDNN (v91900 56) function cudnnSetTensor4dDescriptor() called:
e!         Error: CUDNN_STATUS_BAD_PARAM; Reason: (n <= 0)
''')
put('training_step.txt.cublaslt', '[2026-11-30 06:35:33][cublasLt][16999][Error][cublasLtCreate] Failed to initialize CUDA.\n')
put('left_out.txt', 'steps_critic.jsonl: 3000000 bytes\nsteps.jsonl: 3 bytes\n')  # the latter is there of another call
ran = '========= COMPUTE-SANITIZER\n{"name":"relu","shape":"f32 7","passed":true}\n'
put('memcheck.txt', ran + '========= Target application returned an error\n========= ERROR SUMMARY: 0 errors\n')
put('racecheck.txt', ran + '========= Error: Race reported between Write access and Read access\n{"name":"nms","shape":"f32 9"}\n' + '========= RACECHECK SUMMARY: 0 hazards displayed (0 errors, 0 warnings)\n')
put('synccheck.txt', ran)
put('initcheck.txt', ran + '''========= Host API memory access error at host access to 0x7f of size 32,000 bytes
=========     Uninitialized access to 0x7f on access by cudaMemcpy source
{"name":"nms_ladder","shape":"f32 500 step 3","passed":true}
{"name":"nms","shape":"f32 300","passed":true}
========= ERROR SUMMARY: 1,622 errors
========= ERROR SUMMARY: 522 errors were not printed. Use --print-limit option
''')
put('program.txt', 'ok    doctor (1 s)\nFAILS doctor --operators: \nadam 3 yes\n'
    'ok    train a (1 s)\nsame  a twice\n{"step":24}\nDIFFERENT b\n')

# Counted on both sides: a case of two launches, atomics of both spaces, one that is off, ranges without order.
units = dict({key: '' if 'requests' in key else 'sector' for key in TRAFFIC},
             **{'dram__bytes_read.sum': 'Kbyte', 'dram__bytes_write.sum': 'byte'})
put('ncu.csv', ncu_csv(units, [
    ('nms | f32 300, of 3', 'void unnamed>::mask<float>(const T1 *)', counts(101, 2000, 40, 70)),
    ('softmax | f32 2x9', 'void unnamed>::softmax<float>(const T1 *)', counts(1000, 8000, 60, 300)),
    ('nms | f32 300, of 3', 'void unnamed>::reduce(const T1 *)', counts(100, 1000, 60, 30)),
    ('newer | f32 1', 'void unnamed>::newer(const T1 *)', counts(1, 1, 1, 1))]))
mask = [('global', 'load', 101, 2000), ('global', 'atomic', 10, 10), ('shared', 'load', 40, 50),
        ('shared', 'atomic', 5, 500)]
emulated = [case('softmax', 'f32 2x9', [[('global', 'load', 600, 6000), ('global', 'store', 400, 2100),
                                         ('shared', 'store', 60, 60)]], 160000, 64000),
            case('nms', 'f32 300, of 3', [mask, [('global', 'store', 100, 1000), ('shared', 'load', 60, 60)]], 64000,
                 3200)]

# Times.
copy = {'gb_s': 4162, 'of_copy': 1.0}
put_objects('kernels.jsonl', [{'begin': 0}, dict(copy, case='copy f32', median_us=129.0), dict(copy, case='nms 2000', median_us=80.0),
                              dict(copy, case='batch_norm_train_coefficients f32 2x3', median_us=100.0),
                              dict(copy, case='channel_affine relu f32 2x3', median_us=150.0),
                              dict(copy, case='matmul 4096 f32', median_us=1000.0),
                              {'begin': 1}, {'case': 'kernels, part 1', 'failed': 'exit 101; the case before: copy f32'},
                              {'case': 'detection', 'failed': 'an illegal memory access was encountered'}])
put_objects('torch_kernels.jsonl', [{'case': 'nms 2000', 'median_us': 800.0},
                                    {'case': 'batch_norm relu forward f32 2x3', 'median_us': 500.0},
                                    {'case': 'batch_norm relu backward f32 2x3', 'median_us': 500.0}])
put_objects('steps_resnet50.jsonl', [
    {'begin': 0},
    {'case': 'resnet50 training b32 bf16 plain', 'batch': 32, 'median_ms': 24.0, 'peak_mb': 1908},
    {'case': 'resnet50 training b32 bf16 captured', 'batch': 32, 'median_ms': 6.0, 'peak_mb': 552}])
put_objects('steps_resnet50_tf32.jsonl', [
    {'case': 'resnet50 training b32 tf32 captured', 'batch': 32, 'median_ms': 9.0, 'peak_mb': 552}])
put_objects('steps_graph_resnet50.jsonl', [
    {'case': 'resnet50 training b32 bf16 captured', 'batch': 32, 'median_ms': 5.0, 'peak_mb': 552},
    {'case': 'resnet50 b32 bf16', 'failed': 'no engine'}])
put_objects('steps.jsonl', [
    {'begin': 3}, {'case': 'steps_critic, part 3', 'failed': 'exit 139; the case before: critic training b8 f32 plain'},
    {'case': 'retinanet detect b2 f32', 'batch': 2, 'median_ms': 16.854, 'peak_mb': 427},
    {'case': 'generator training b8 bf16 plain', 'batch': 8, 'median_ms': 2079.7, 'peak_mb': 5361},
    {'case': 'colorizer  b2 f32', 'failed': 'no algorithm'}])
put_objects('torch_steps_resnet50.jsonl', [
    {'case': 'resnet50 training b32 bf16', 'batch': 32, 'mode': 'eager', 'median_ms': 16.0, 'peak_mb': 2000},
    {'case': 'resnet50 training b32 bf16', 'batch': 32, 'mode': 'graph', 'median_ms': 8.0, 'peak_mb': 500},
    {'case': 'failed', 'type': 'f32', 'batch': 2, 'why': 'out of memory'}], '{"case": "retinanet det')

put_objects('torch_compiled_resnet50.jsonl', [
    {'case': 'resnet50 training b32 bf16', 'batch': 32, 'mode': 'compiled', 'how': 'reduce-overhead', 'median_ms': 7.5,
     'compile_s': 3.2},
    {'case': 'resnet50 training b32 bf16', 'batch': 32, 'mode': 'compiled', 'how': 'max-autotune-no-cudagraphs',
     'median_ms': 7.75, 'compile_s': 4.0},
    {'case': 'resnet50 training b32 tf32', 'batch': 32, 'mode': 'compiled graph', 'how': 'default', 'median_ms': 12.0},
    {'case': 'resnet50 training b2 bf16', 'batch': 2, 'mode': 'compiled', 'how': 'reduce-overhead', 'median_ms': 3.0},
    {'case': 'failed', 'network': 'resnet50', 'type': 'bf16', 'batch': 8, 'mode': 'compiled', 'why': 'reduce-overhead: not begun after 25 s'}])

# A step's kernels: in microseconds; a name of ours in a library's argument is the library's; then a cut and a failed
# one.
names = ['sm80_xmma_fprop_implicit_gemm_f32f32_nhwc_tilesize128x32x8_stage3_execute_kernel__5x_cudnn',
         'void cawe::<unnamed>::for_list<4, cawe::SgdTensor>(cawe::<unnamed>::List<T2>, T3)',
         'void cutlass::Kernel2<cawe::Thing, 7>(T1::Params)', 'void cawe::<unnamed>::for_list<4, cawe::SgdTensor>(T3)']
timed = [('', name, {'gpu__time_duration.sum': us}) for name, us in zip(names, (1500, 250, 1000, 250))]
timed += [('', 'void tiny%d<int>(T1)' % i, {'gpu__time_duration.sum': 100 - i}) for i in range(10)]
step = ncu_csv({'gpu__time_duration.sum': 'us'}, timed, nvtx=False)
put('step_resnet50_training_b32_bf16_plain.csv', step)
put('step_retinanet_detect_b2_f32.csv', ncu_csv({'gpu__time_duration.sum': 'us'}, timed, nvtx=False, ended=False)[:-8])
put('step_critic_training_b8_bf16_plain.csv',
    '==PROF== Connected to process 7\n==ERROR== Failed to profile "copy_walk" in process 7\n')
shape = {'case': 'stem', 'type': 'bf16', 'math': 'tensor', 'layout': 'nhwc', 'mb': 1}
put_objects('convolutions.jsonl', [
    dict(shape, **{'pass': 'forward find', 'status': 0, 'deterministic': 1, 'ms': 2.0}),
    dict(shape, **{'pass': 'forward find', 'status': 0, 'deterministic': 0, 'ms': 1.0}),
    dict(shape, **{'pass': 'forward find', 'status': 9, 'deterministic': 1, 'ms': -1}),
    dict(shape, **{'pass': 'forward heuristics', 'status': 0, 'deterministic': 1, 'ms': -1}),
    dict(shape, **{'pass': 'forward graph', 'place': 0, 'ms': 3.0}), dict(shape, **{'pass': 'forward graph', 'place': 1, 'ms': 1.5}),
    dict(shape, **{'pass': 'forward graph', 'place': 2, 'ms': -1}),
    dict(shape, **{'pass': 'forward bias relu graph', 'place': 0, 'ms': 0.1})])
put('notes.txt', 'by hand')

for key in ('rows', 'cases'):
    (WORK / 'emulated.json').write_text(json.dumps({key: emulated}))
    page = report()
    expect(page, '| `softmax` f32 2x9 | 1,000 | 8,100 / 8,000 | 60 | 300.0 | 160.0 to 192.0 | above |',
           '| `nms` f32 300, of 3 | 201 | 3,000 | 110 / 100 | 100.0 | 64.0 to 64.3 | above |')
assert report() == page  # again: the same page
# By the archive, and by two calls of which the second has a part of it: the same.
ARCHIVE, FIRST = WORK / 'results.tar.gz', WORK / 'first'
with tarfile.open(ARCHIVE, 'w:gz') as out:
    out.add(RESULTS, 'results')
assert report(0, ARCHIVE) == page
# By the two archives of one call, wherever they lie.
APART = WORK / 'apart'
APART.mkdir()
with tarfile.open(APART / 'results.tar.gz', 'w:gz') as small, tarfile.open(APART / 'results-counts.tar.gz', 'w:gz') as large:
    for path in sorted(RESULTS.iterdir()):
        (large if path.suffix == '.csv' else small).add(path, 'results/' + path.name)
    large.add(WORK / 'emulated.json', 'results/emulated.json')
assert report(0, APART / 'results.tar.gz', APART / 'results-counts.tar.gz') == page
shutil.copytree(RESULTS, FIRST)
(FIRST / 'cases.jsonl').write_text('')
(FIRST / 'ncu.csv').unlink()
assert report(0, FIRST, ARCHIVE) == page
before = PAGE.read_text()
expect_in(report(2, WORK / 'nowhere'), 'nowhere: no results of scripts/gpu-check (expected a folder, or an archive of one)')
expect_in(report(2, PAGE), 'no results of scripts/gpu-check')
CUT = WORK / 'cut.tar.gz'
CUT.write_bytes(ARCHIVE.read_bytes()[:600])
expect_in(report(2, CUT), 'cut.tar.gz: no results of scripts/gpu-check, or a damaged archive of them (')
# An empty file of a later call takes no other's place.
EMPTY = WORK / 'empty'
EMPTY.mkdir()
(EMPTY / 'cases.jsonl').write_text('')
assert report(0, ARCHIVE, EMPTY) == page
PAGE.write_text(before)
assert PAGE.read_text() == before

expect_in(page, 'NVIDIA H200, 143771 MiB; clocks at most 1980 MHz (SM) and 3201 MHz (memory). Driver 580.1, CUDA 13.0. '
          'Revision `abc1234-dirty`, 2026-11-28.\n', '2 cases in 3 launches',
          'in 2 of 2, sectors in 2 of 2, wavefronts of shared memory in 1 of 2',
          'all three in 1.', 'unknown to the emulator: newer f32 1.\n', 'above it by at most 108.0 kB a launch',
          "PyTorch's figure is there for 2 of 4 steps",
          '14 launches, 3.96 ms in kernels; 12.6 % of it in kernels of our own, 87.4 %')
expect(page, '| copy 1 GiB | 508 | 4,227 GB/s |', '| matmul 4096 f32 | 2,000 | 49.5 TFLOP/s |',
       '- Kernel cases: 1 of 4 hold.', '  - `convert` f32 to u8: error 175, tolerance 0',
       '  - `nms` f32 9: error not finite, tolerance 0; lost; at (0, 3): 1 and 2', '  - `softmax` f32 2x9 holds; another way',
       '- Tests `device_operators`: 1 passed, 1 failed: `DeviceOperators.Agrees/attention`',
       '- Tests `training_step_gan`: 1 passed, none failed, 1 ended the program: `GanStep.Two`; **it did not end**',
       '- Tests `training_step_graph`: 1 passed, 1 failed: `Step.B`, 2 ended the program: `Step.D`, `Step.E`, 1 passed only in a new '
       'process: `Step.C`; **it did not end**',
       '- `training_step.txt.cudnn`: 2 errors: CUDNN_STATUS_BAD_PARAM; Reason: (n <= 0)',
       '- `training_step.txt.cublaslt`: 1 error: [cublasLtCreate] Failed to initialize CUDA.',
       '- steps_critic, part 3 fails: exit 139; the case before: critic training b8 f32 plain',
       '- kernels, part 1 fails: exit 101; the case before: copy f32',
       '- compute-sanitizer `memcheck`: 0 errors in 1 cases; **Target application returned an error; 1 of 4 cases**',
       '- compute-sanitizer `racecheck`: 0 hazards displayed (0 errors, 0 warnings) (in `nms` f32 9) in 2 cases',
       '- compute-sanitizer `initcheck`: 1,622 errors (in `nms_ladder` f32 500 step 3) in 3 cases; **3 of 4 cases**',
       '- memcheck.txt: exit 9, 12 s', '- ncu.csv: not begun, the time is up',
       '- gpu-check: the time was up; left: scripts/gpu-check --part profile',
       '- detection fails: an illegal memory access was encountered',
       '| resnet50 training | 32 | tf32 | - | 9.00 | - | - | - | 12.0 | - | 0.75 |',
       "Ours by cuDNN's graph interface (`CAWE_CUDNN=graph`): resnet50 training b32 bf16 captured 5.00 ms.",
       "- resnet50 b32 bf16 by cuDNN's graph interface fails: no engine",
       '| stem | forward | bf16 tensor nhwc | 2.00 | 3.00 | 1.50 | 1.50 |',
       '- The program: commands that hold: 2; pairs of runs that end in the same bytes: 1; failures: 2.',
       '  - FAILS doctor --operators', '  - DIFFERENT b', '| `nms` f32 300, of 3 | wavefronts | 110 | 100 | +10.0 % |',
       '| nms 2000 | 80.0 | 4,162 | 1.00 | 800 | 0.10 |', '| copy f32 | 129 | 4,162 | 1.00 | - | - |',
       '| matmul 4096 f32 | 1,000 | 4,162 | 1.00 | 2,000 | 0.50 |',
       '| batch_norm relu forward f32 2x3: sum of two | 250 |  |  | 500 | 0.50 |',
       'PyTorch alone: batch_norm relu backward f32 2x3.',
       '| resnet50 training | 32 | bf16 | 24.0 | 6.00 | 1,908 | 16.0 | 8.00 | 7.50 | 2,000 | 0.80 |',
       '| retinanet detect | 2 | f32 | 16.9 | - | 427 | - | - | - | - | - |',
       '| generator training | 8 | bf16 | 2,080 | - | 5,361 | - | - | - | - | - |',
       "PyTorch's ways: resnet50 training b32 bf16: compiled: reduce-overhead, 3 s to compile; resnet50 training b32 tf32: "
       'compiled graph: default; resnet50 training b2 bf16: compiled: reduce-overhead.', 'PyTorch alone: resnet50 training b2 bf16.',
       '- PyTorch fails, network resnet50, type bf16, batch 8, mode compiled: reduce-overhead: not begun after 25 s',
       '- colorizer b2 f32 fails: no algorithm', '- PyTorch fails, type f32, batch 2: out of memory',
       '| `sm80_xmma_fprop_implicit_gemm 128x32x8` | 1 | 1.50 | 37.9 % | library |',
       '| `for_list<4, SgdTensor>` | 2 | 0.50 | 12.6 % | ours |',
       '| `cutlass::Kernel2` | 1 | 1.00 | 25.3 % | library |', '- `cases.jsonl`: cut: 1 broken line',
       '- `torch_steps_resnet50.jsonl`: cut: 1 broken line', '- `step_runner.txt`: empty', '- `training_step.txt`: missing',
       '- `memcheck_step.txt`: missing', '- `torch_steps_critic.jsonl`: missing', '- `steps_generator.jsonl`: missing', '- `steps_critic.jsonl`: left out of the archive: 3000000 bytes', '- `synccheck.txt`: cut: without a summary',
       '- `training_step_gan.txt`: cut: the tests did not end',
       '- `step_critic_training_b8_bf16_plain.csv`: without a launch: Failed to profile "copy_walk" in process 7',
       '- `step_retinanet_detect_b2_f32.csv`: cut after 13 launches', '- In no section: `notes.txt`')
assert page.count('| `tiny') == 9 and '**retinanet detect' not in page and '- `nms` f32 300' not in page
# Twelve kernels in all.

# Cut and missing where whole sections hang on them.
whole = (RESULTS / 'ncu.csv').read_text()
put('ncu.csv', whole[:whole.rindex('"3","7"') + 40])
(RESULTS / 'kernels.jsonl').unlink()
put('steps.jsonl', '')
(RESULTS / 'step_resnet50_training_b32_bf16_plain.csv').unlink()
page = report()
expect(page, '- `ncu.csv`: cut after 3 launches', '- `kernels.jsonl`: missing', '- `steps.jsonl`: empty',
       'Not measured.', 'Not measured: no step was timed to its end.')
(WORK / 'emulated.json').write_text('{"rows": [')
page = report()
expect(page, 'Not measured: ncu has no case of the emulator.', '- `emulated.json`: cut')
(WORK / 'emulated.json').unlink()
expect(report(), '- `emulated.json`: missing')
print('gpu_report: ok')

# SPDX-License-Identifier: Apache-2.0
"""scripts/mutate on a tree of one source and two tests: what is killed, survives, hangs, is stale or no mutation at all.

usage: python3 tests/mutate.py
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / 'scripts/mutate'
CMAKE = '''cmake_minimum_required(VERSION 3.16)
project(fake CXX)
add_library(sum STATIC sum.cpp)
add_executable(sum_test sum_test.cpp)
target_link_libraries(sum_test sum)
add_executable(other_test other_test.cpp)
'''
# What the list's mistakes are made in: a bound that the test knows, and one that it does not.
SUM = '''volatile int seen;  // a loop without end that touches nothing may be taken away by the compiler
int sum_below(int n) {
  int sum = 0;
  for (int i = 0; i < n; i = i + 1) sum += seen = i;
  return sum;
}
bool is_small(int n) { return n < 100; }
'''
SUM_TEST = '''int sum_below(int n);
bool is_small(int n);
int main() { return sum_below(4) == 6 && is_small(6) && !is_small(200) ? 0 : 1; }
'''
LIST = '''# What a list looks like.
file sum.cpp
tests sum_test other_test
sum-bound: n itself is not in the sum
- i < n;
+ i <= n;
tests sum_test
small-bound: no test asks for 100
- return n < 100;
+ return n <= 100;
'''
# Every kind of GoogleTest's macros, as text; nobody makes cases of Other.
KINDS = '''TEST(Sum, Plain) {}
TYPED_TEST(Kinds, Typed) {}
TEST_P(Cases, Given) {}
TEST_P(Other, Never) {}
INSTANTIATE_TEST_SUITE_P(All, Cases, values);
'''
ENDLESS = '''
sum-step: the next number is one more
- i = i + 1)
+ i = i + 0)
'''


def check(condition, what):
    assert condition, what
    print('ok ', what)


def main():
    if not (shutil.which('cmake') and shutil.which('ninja')):
        print('mutate: skipped, cmake or ninja is missing')
        return 77
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder) / 'tree'
        work = pathlib.Path(folder) / 'work'
        mutations = root / 'mutations'
        mutations.mkdir(parents=True)
        for name, text in (('CMakeLists.txt', CMAKE), ('sum.cpp', SUM), ('sum_test.cpp', SUM_TEST), ('other_test.cpp', 'int main() {}\n')):
            (root / name).write_text(text)
        command = [sys.executable, SCRIPT, '--root', root, '--mutations', mutations, '--work', work]

        def mutate(text, *options, code):
            (mutations / 'list.txt').write_text(text)
            done = subprocess.run(command + list(options), capture_output=True, text=True, timeout=300)
            assert done.returncode == code, '%s: exit %d\n%s%s' % (options, done.returncode, done.stdout, done.stderr)
            assert (root / 'sum.cpp').read_text() == SUM, 'the tree was touched'
            assert not (work / 'tree').exists() or (work / 'tree/sum.cpp').read_text() == SUM, 'a mistake was left in the copy'
            return done

        done = mutate(LIST, '--list', code=0)
        check('sum-bound' in done.stdout and '2 mutations' in done.stdout and not work.exists(), '--list builds nothing')
        done = mutate(LIST, '--json', code=1)
        result = json.loads(done.stdout)
        verdicts = {r['name']: r['verdict'] for r in result['mutations']}
        check(verdicts == {'sum-bound': 'killed', 'small-bound': 'survived'}, 'one is killed and one survives')
        check((result['score'], result['passed']) == (0.5, False), 'a survivor: exit 1')
        done = mutate(LIST, '--bar', '0.5', code=0)
        check('survived: small-bound (sum.cpp): no test asks for 100' in done.stdout and 'score 50.0 %' in done.stdout, 'a bar that is reached: exit 0')
        done = mutate(LIST, '--only', 'sum-b', code=0)
        check('1 mutations: 1 killed' in done.stdout, '--only')
        done = mutate(LIST, '--resume', code=1)
        check('1 results are kept' in done.stdout and 'small-bound' in done.stdout, '--resume tries again what survived')
        (root / 'sum_test.cpp').write_text(SUM_TEST.replace('is_small(6)', '!is_small(100) && is_small(6)'))
        done = mutate(LIST, '--resume', code=0)
        check('2 killed, 0 survived' in done.stdout, '... and a test that was added kills it')
        done = mutate(LIST + ENDLESS, '--only', 'sum-step', '--timeout', '2', code=0)
        check('by its time limit' in done.stdout, 'one that hangs is killed by its time limit')

        stale = LIST + 'gone: a text that is not there\n- while (true)\n+ while (false)\n' + 'twice: a text that is there more than once\n- sum\n+ add\n'
        done = mutate(stale, code=2)
        check('gone is stale: its text occurs 0 times' in done.stderr and 'twice is stale: its text occurs 4 times' in done.stderr, 'stale entries are named: exit 2')
        (root / 'tests').mkdir()
        (root / 'tests/sum_test.cpp').write_text(KINDS)
        fits = ('Sum.Plain', 'Sum.*', 'Kinds/*.Typed', 'All/Cases.*', '*/Cases.Given/*', 'Sum.Plain:Kinds/*')
        for filters, code in ((fits, 0), (('Sum.None', 'Kinds.Typed', 'Cases.Given', 'Other.Never/0', 'Sum.*:Gone.*'), 2)):
            for name in filters:
                done = mutate(LIST.replace('tests sum_test other_test', 'tests sum_test/' + name), '--list', code=code)
                check(code == 0 or 'no test of sum_test/' + name + ' fits' in done.stderr, 'a filter that runs %s: %s' % (('nothing' if code else 'something'), name))
        shutil.rmtree(root / 'tests')
        done = mutate(LIST + 'broken: no C++\n- return sum;\n+ return nothing;\n', code=2)
        check('broken: it does not compile' in done.stdout and '2 killed' in done.stdout, 'what does not compile is an error of the list, the others are judged')
        done = mutate(LIST.replace('tests sum_test', 'tests other_test'), code=2)
        check('it changes no byte of other_test' in done.stdout, 'a test that does not hold the mistake is an error of the list')
        for text, part in (('- a\n+ b\n', 'before the first name'), (LIST + LIST, 'sum-bound is there already'), (LIST + 'Name\n', 'expected "file PATH"'), ('', 'no entry')):
            check(part in mutate(text, code=2).stderr, 'a list is refused: ' + part)
        (root / 'sum_test.cpp').write_text('int main() { return 1; }\n')
        check('fails without any mistake' in mutate(LIST, code=2).stderr, 'tests that fail by themselves say nothing')
        (root / 'sum_test.cpp').write_text(SUM_TEST)

        # Stopped while a mutant runs: nothing of it stays, neither a process nor a mistake in the copy.
        (mutations / 'list.txt').write_text(LIST + ENDLESS)
        running = subprocess.Popen(command + ['--only', 'sum-step'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        copy, deadline = work / 'tree/sum.cpp', time.monotonic() + 240
        while 'i + 0)' not in copy.read_text() or not children_of(work / 'build/sum_test'):
            assert running.poll() is None and time.monotonic() < deadline, running.communicate()
            time.sleep(0.02)
        busy = subprocess.run(command + ['--only', 'sum-b'], capture_output=True, text=True)
        check(busy.returncode == 2 and 'in use by another run' in busy.stderr, 'one run at a time in a folder')
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate(timeout=60)
        check(running.returncode == 130 and 'go on with --resume' in output, 'Ctrl-C: exit 130')
        check(copy.read_text() == SUM and not children_of(work / 'build/sum_test'), '... and nothing is left')
        copy.write_text('a mistake that kill -9 left\n')
        mutate(LIST, '--only', 'sum-b', code=0)
        check(True, 'the copy is made equal to the tree again')
        # Stopped while it compiles: ninja gives each compiler a group of its own, and these begin another 30, one after the other.
        slow, pids = pathlib.Path(folder) / 'slow', pathlib.Path(folder) / 'pids'
        slow.write_text('#!/bin/sh\necho $$ >> %s\n[ "${BORN:=0}" -ge 30 ] || BORN=$((BORN + 1)) "$0" &\nexec sleep 600\n' % pids)
        slow.chmod(0o755)
        running = subprocess.Popen(command + ['--work', pathlib.Path(folder) / 'other', '--cmake=-DCMAKE_CXX_COMPILER_LAUNCHER=%s' % slow],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        while not pids.exists() or not pids.read_text():
            assert running.poll() is None and time.monotonic() < deadline, running.communicate()
            time.sleep(0.02)
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=60)
        alive = [p for p in pids.read_text().split() if pathlib.Path('/proc/%s' % p).exists() and 'sleep' in pathlib.Path('/proc/%s/cmdline' % p).read_text()]
        check(running.returncode == 143 and not alive, 'no compiler outlives SIGTERM')
        subprocess.run(command + ['--clean'], check=True)
        check(not work.exists(), '--clean')
    return 0


def children_of(program):
    """Processes that run the program (on Linux)."""
    found = []
    for entry in pathlib.Path('/proc').glob('[0-9]*'):
        try:
            if os.readlink(entry / 'exe') == str(program):
                found.append(entry.name)
        except OSError:
            pass
    return found


sys.exit(main())

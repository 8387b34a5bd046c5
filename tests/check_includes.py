# SPDX-License-Identifier: Apache-2.0
"""scripts/check-includes sees every way in which an include can be written, in a small tree of its own.

usage: python3 tests/check_includes.py
"""
import pathlib
import shutil
import subprocess
import tempfile

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / 'scripts/check-includes'
UP = 'tensor may not include train'
REFUSED = {
    '#include "train/x.h"': UP, '#include <train/x.h>': UP, '# include\t"train/x.h"': UP, '  #include"train/x.h"': UP,
    '#include_next "train/x.h"': UP, '#import "train/x.h"': UP, '#include "../train/x.h"': 'a path with dots',
    '#include "tensor/../train/x.h"': 'a path with dots', '#include "./a.h"': 'a path with dots', '#include TRAIN': 'what TRAIN stands for',
}
ALLOWED = ['#include "tensor/x.h"', '#include <train.h>', '#include <sys/stat.h>', '// #include "train/x.h"', '#include CAWE_FAMILY',
           'const char* a = "#include \\"train/x.h\\"";']

with tempfile.TemporaryDirectory() as folder:
    root = pathlib.Path(folder)
    for name in ('scripts', 'tensor', 'train', 'cuda/kernels/below', 'cuda/lab/cases'):
        (root / name).mkdir(parents=True)
    shutil.copy(SCRIPT, root / 'scripts')

    def run(file, line):
        (root / file).write_text(line + '\n')
        for command in (['init', '-q'], ['add', '-A']):
            subprocess.run(['git', *command], cwd=root, check=True)
        done = subprocess.run([root / 'scripts/check-includes'], capture_output=True, text=True)
        (root / file).write_text('')
        return done

    for file in ('tensor/a.h', 'tensor/a.inc', 'tensor/a.hpp'):
        run('tensor/a.h', '')  # so that git lists the folder
        for line, said in REFUSED.items():
            done = run(file, line)
            assert done.returncode == 1 and done.stdout.startswith(file + ':1: ' + said), (line, done)
        for line in ALLOWED:
            done = run(file, line)
            assert done.returncode == 0 and not done.stdout, (line, done)
    done = run('cuda/kernels/a.cu', '#include "cuda/lab/cases/case.h"')
    assert done.returncode == 1 and 'cuda/kernels may not include cuda/lab/cases' in done.stdout, done
    assert run('cuda/kernels/a.cu', '#include "cuda/kernels/below/b.h"').returncode == 0
    (root / 'other').mkdir()
    done = run('other/a.h', '#include "train/x.h"')
    assert done.returncode == 1 and 'other/: sources in a folder' in done.stdout, done
print('check_includes: all ok')

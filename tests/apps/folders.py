# SPDX-License-Identifier: Apache-2.0
"""Folders of real life, and what commands may not write over: what they read, the files of a run, files of others.

usage: python3 tests/apps/folders.py build/release/cawe
"""
import json
import os
import pathlib
import shutil
import subprocess

from common import PROGRAM, WORK, cawe, check, errors_of, run
from films import detect, dicom, enhance, make_run, png, refused, table


def outputs_over_inputs():
    before = {}

    def keep(name):
        before[name] = (WORK / name).read_bytes()
        return name

    png('new/x.png', 900)
    png('new/y.png', 901)
    (WORK / 'new.persons.csv').write_text('image,patient\nx,somebody\ny,else\n')
    (WORK / 'gt.csv').write_text('patientId,x,y,width,height,Target\nx,10,10,20,20,1\ny,,,,,0\n')
    detect('new', 'same.csv')
    detect('new', 'same.json')
    shutil.copy(WORK / 'new.persons.csv', WORK / 'new.films.csv')
    os.symlink('run/split.csv', WORK / 'link.csv')
    over = ['detect', '--weights', 'run', '--input', 'new', '--out']
    refused('detect over its table', 2, ['is the same file', '--out'], *over, keep('new.persons.csv'), '--patients',
            './new.persons.csv')
    refused('detect with its list over its table', 2, ['new.films.csv'], *over, 'new.csv', '--patients',
            keep('new.films.csv'))
    refused("detect over a run's own file, through a link", 2, ['link.csv', 'run/split.csv'], *over, 'link.csv')
    keep('run/split.csv')
    (WORK / 'ev').mkdir()
    shutil.copy(WORK / 'same.films.json', WORK / 'ev/results.json')
    refused('evaluate over its list', 2, ['results.json'], 'evaluate', '--detections', 'same.csv', '--truth', 'gt.csv',
            '--films', keep('ev/results.json'), '--out', 'ev')
    (WORK / 'ev2').mkdir()
    os.link(WORK / 'gt.csv', WORK / 'ev2/froc.csv')
    refused('evaluate over its truth by a second name', 2, ['froc.csv', 'gt.csv'], 'evaluate', '--detections',
            'same.csv', '--truth', keep('gt.csv'), '--out', 'ev2')
    refused("detect among a run's files", 2, ['folder of a run', '--out'], *over, 'run/other.csv')
    refused("detect over its run's detections", 2, ['is the same file'], *over, keep('run/detections.csv'))
    refused("evaluate among a run's files", 2, ['folder of a run'], 'evaluate', '--detections', 'same.csv', '--truth',
            'gt.csv', '--out', 'run')
    refused("enhance among a run's files", 2, ['folder of a run'], 'enhance', '--method', 'none', '--input',
            'new/x.png', '--out', 'run')
    refused("enhance among a run's checkpoints", 2, ['folder of a run'], 'enhance', '--method', 'none', '--input',
            'new/x.png', '--out', 'run/checkpoints')
    os.symlink('run/new.csv', WORK / 'into.csv')
    refused("detect through a link into a run", 2, ['folder of a run'], *over, 'into.csv')
    weights = sorted((WORK / 'run/checkpoints').glob('*.safetensors'))[0]
    refused('convert over what it reads', 2, ['same file'], 'convert', weights, weights)
    shutil.copy(weights, WORK / 'mine.safetensors')
    refused("convert over a run's checkpoint", 2, ['folder of a run'], 'convert', 'mine.safetensors', weights)
    refused('enhance over a film', 2, ['new/x.png'], 'enhance', '--method', 'none', '--input', 'new/x.png', '--out',
            'new', '--overwrite')
    if run('kernels', '--template', 'k.cuh').returncode == 0:  # a build with the emulator
        refused('kernels over its kernel', 2, ['k.cuh', '--html'], 'kernels', keep('k.cuh'), '--profile', '--html',
                './k.cuh')
    for name, text in before.items():
        assert (WORK / name).read_bytes() == text, name
    print('ok  none of them is touched')


def files_of_others():
    """Outputs whose names nobody chose take no place of a file that this program did not write."""
    over = ['detect', '--weights', 'run', '--input', 'new', '--out']
    (WORK / 'new.films.csv').unlink()
    foreign = {'new.films.csv': 'image,seen by\nx,me\n', 'new.films.json': '{"images": [], "annotations": []}',
               'mine/results.json': '{"mine": 1}', 'mine/froc.csv': 'threshold,mine\n', 'mine/froc.svg': '<svg/>'}
    (WORK / 'mine').mkdir()
    judge = ['evaluate', '--detections', 'same.csv', '--truth', 'gt.csv', '--draws', 5, '--out', 'mine']
    for name, text in foreign.items():
        (WORK / name).write_text(text)
        args = judge if name.startswith('mine') else [*over, name.replace('.films', '')]
        refused('over a foreign ' + name, 2, [name, 'not written by this program', 'Move it'], *args)
        check((WORK / name).read_text() == text, 'which stays')
        (WORK / name).unlink()
        for _ in range(2):  # over what the first wrote
            check(cawe(*args, '--quiet').returncode == 0 and (WORK / name).exists(), 'over its own ' + name)


def folders():
    png('real/a.png', 1)
    png('real/sub/b.png', 2)
    for name in ('real/._a.png', 'real/sub/._b.png', 'real/.DS_Store', 'real/__MACOSX/._c.png', 'real/.hidden.png',
                 'real/.cache/d.png', 'real/notes.txt'):
        (WORK / name).parent.mkdir(parents=True, exist_ok=True)
        (WORK / name).write_bytes(b'\0\5\x16\7 no film')
    dicom('real/DICOMDIR', '1.2.840.10008.1.3.10')
    dicom('real/report', '1.2.840.10008.5.1.4.1.1.88.11')
    dicom('real/state.dcm', '1.2.840.10008.5.1.4.1.1.11.1')
    png('elsewhere/e.png', 3)
    os.symlink('../elsewhere', WORK / 'real/linked')
    os.symlink('..', WORK / 'real/sub/up')
    os.symlink('.', WORK / 'real/self')
    os.symlink('loop2', WORK / 'real/loop1')
    os.symlink('loop1', WORK / 'real/loop2')
    done = enhance('--input', 'real', '--out', 'real_out', '--json')
    left = json.loads(done.stdout)['left_out']
    check(sorted(str(p.relative_to(WORK / 'real_out')) for p in (WORK / 'real_out').rglob('*') if p.is_file()) ==
          ['a.png', 'linked/e.png', 'sub/b.png'], 'films of linked folders once, loops end, nothing else is a film')
    check(left == {'DICOM without an image': 2, 'DICOMDIR': 1, 'hidden': 2, 'of macOS': 4, 'of other kinds': 3},
          'what is no film is counted: %s' % left)
    lines = [line for line in done.stderr.splitlines() if 'no film' in line]
    check(len(lines) == 1 and '12 files that are no films left out: 2 DICOM without an image, 1 DICOMDIR' in lines[0],
          'in one line')
    (WORK / 'real/cut.png').write_bytes((WORK / 'real/a.png').read_bytes()[:300])
    os.symlink('nowhere', WORK / 'real/gone.png')
    dicom('real/nopixels.dcm', '1.2.840.10008.5.1.4.1.1.1.1')
    enhance('--input', 'real', '--out', 'real_out', '--overwrite', code=3)
    check({pathlib.Path(r['file']).name for r in table('real_out/rejected.csv')} ==
          {'cut.png', 'gone.png', 'nopixels.dcm'}, 'damaged films are rejected, not left out')
    png('good/a.png', 920)
    enhance('--input', 'good', '--out', 'real_out', '--overwrite')
    check(not (WORK / 'real_out/rejected.csv').exists(),
          'a list of an earlier command does not stay beside what another wrote')
    (WORK / 'list').mkdir()
    detect('real', 'list/d.csv', '--allow-leak', code=3)
    named = {r['file'] for r in table('list/rejected.csv')}
    detect('good', 'list/d.csv')
    check(named == {'real/cut.png', 'real/gone.png', 'real/nopixels.dcm'} and not (WORK / 'list/rejected.csv').exists(),
          'nor of detect')
    stale_lists()
    for name in ('rejected.csv', 'damaged.csv'):
        (WORK / 'list' / name).write_text('a note of mine\n')
        refused('detect over a foreign ' + name, 2, ['list/' + name, 'Move it'], 'detect', '--weights', 'run',
                '--input', 'real', '--out', 'list/d.csv')
        refused('enhance over a foreign ' + name, 2, ['list/' + name, 'Move it'], 'enhance', '--method', 'none',
                '--input', 'real', '--out', 'list')
        check((WORK / 'list' / name).read_text() == 'a note of mine\n', 'which stays')
        (WORK / 'list' / name).unlink()


def stale_lists():
    """The lists are of the command that read films last, also where it could read none."""
    (WORK / 'cuts').mkdir()
    for name in ('cut1.png', 'cut2.png'):
        (WORK / 'cuts' / name).write_bytes((WORK / 'good/a.png').read_bytes()[:60])
    (WORK / 'lost').mkdir()
    os.symlink('nothing.png', WORK / 'lost/gone.png')
    stale = {'rejected.csv': 'file,field,reason\nold.png,file,was bad\n', 'damaged.csv': 'file,damage\nold.png,hole\n'}
    for args, folder in ((['detect', '--weights', 'run', '--out', 'stale/d.csv'], WORK / 'stale'),
                         (['enhance', '--method', 'none', '--out', 'stale'], WORK / 'stale')):
        def leave():
            folder.mkdir(exist_ok=True)
            for name, text in stale.items():
                (folder / name).write_text(text)

        for films, bad in ((['cuts/cut1.png'], ['cuts/cut1.png']), (['cuts'], ['cuts/cut1.png', 'cuts/cut2.png']),
                           (['lost'], ['lost/gone.png'])):
            leave()
            refused('only bad films: %s %s' % (args[0], films[0]), 3, [bad[0]], *args, '--input', *films)
            check([r['file'] for r in table(folder / 'rejected.csv')] == bad and
                  not (folder / 'damaged.csv').exists(), 'they are listed, and nothing of an earlier command')
        leave()
        cawe(*args, '--input', 'good', '--allow-leak')
        check(not any((folder / name).exists() for name in stale), 'nor where all are good')
        leave()
        refused('wrong usage', 2, ['nowhere'], *args, '--input', 'nowhere')
        if args[0] == 'enhance':
            refused('a film that is there already', 2, ['stale/a.png', '--overwrite'], *args, '--input', 'good')
        check(all((folder / name).read_text() == text for name, text in stale.items()), 'leaves them')
        shutil.rmtree(folder)
    refused('a bad film alone', 3, ['cuts/cut1.png'], 'enhance', '--method', 'none', '--input', 'cuts/cut1.png', '--out',
            'stale')
    check([p.name for p in (WORK / 'stale').iterdir()] == ['rejected.csv'], 'is listed where no folder was')


def by_a_user():
    """Options that run a command as somebody whom a closed folder is closed to, and why there are none. Root reads
    everything, so for root they make a command nobody's, by a copy of the program where nobody can go."""
    if os.getuid() != 0:
        return {}, ''

    def become_nobody():
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)

    os.chmod(WORK, 0o755)
    shutil.copy(PROGRAM, WORK / 'program')
    options = {'executable': str(WORK / 'program'), 'preexec_fn': become_nobody}
    try:
        done = run('--version', **options)
    except (OSError, subprocess.SubprocessError) as error:
        return {}, 'nobody cannot start the program here (%s)' % error
    return options, '' if done.returncode == 0 else 'the program fails as nobody: ' + done.stderr.strip()


def closed():
    user, why_not = by_a_user()
    if why_not:
        print('skipped: what a closed folder is to other users than root: ' + why_not)
        return
    png('closed/a.png', 921)
    png('closed/secret.png', 922)
    png('closed/shut/b.png', 923)
    (WORK / 'closed_out').mkdir()
    (WORK / 'run/shut').mkdir()
    os.chmod(WORK / 'closed_out', 0o777)
    os.chmod(WORK / 'closed/secret.png', 0)
    for folder in ('closed/shut', 'run/shut'):
        os.chmod(WORK / folder, 0)
    lists = []
    for args in (['enhance', '--method', 'none', '--input', 'closed', '--out', 'closed_out'],
                 ['detect', '--weights', 'run', '--input', 'closed', '--out', 'closed_out/d.csv']):
        done = cawe(*args, code=3, **user)
        lines = errors_of(done.stderr)
        check(len(lines) == 2 and all('Permission denied' in line for line in lines) and
              'closed/shut: this folder cannot be read' in lines[0] and 'closed/secret.png' in lines[1], args[0] +
              ': a folder and a film that cannot be read are named')
        lists.append(table('closed_out/rejected.csv'))
    check('run/shut: this folder cannot be read' in done.stderr, 'a closed folder of what is read is named, too')
    check((WORK / 'closed_out/a.png').exists() and [f['image'] for f in table('closed_out/d.films.csv')] == ['a'],
          'the other film is done')
    check(lists[0] == lists[1], 'and both commands list the same')


make_run()
outputs_over_inputs()
files_of_others()
folders()
try:
    closed()
finally:
    for folder in WORK.rglob('shut'):
        os.chmod(folder, 0o755)

# SPDX-License-Identifier: Apache-2.0
"""What a run began with is compared when it is gone on with; one process works in a folder; nothing foreign is
touched; a run that was killed after any of its first writes can be resumed.

usage: python3 tests/apps/resume.py build/release/cawe
"""
import json
import os
import shutil
import signal
import subprocess
import time

import common
from common import PROGRAM, SMALL_DETECTOR, WORK, tree

RECIPE = """task = "retinanet"
seed = 0
[data]
root = "data"
labels_csv = "metadata.csv"
label_columns = ["nodule"]
boxes = "stage_2_train_labels.csv"
images = "images"
split = "patient"
test = 0.25
val = 0.0
""" + SMALL_DETECTOR + """[train]
steps = 6
batch = 2
checkpoint_every = 2
log_every = 1
"""


def cawe(*args, code=0, says='', env=None):
    done = common.cawe(*args, code=code, env=dict(os.environ, **(env or {})))
    for part in [says] if isinstance(says, str) else says:
        assert part in done.stderr, '%s: %r is not in\n%s' % (args, part, done.stderr)
    assert code == 0 or len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done


def train(out, *args, **more):
    return cawe('train', 'recipe.toml', '--out', out, '--quiet', *args, **more)


def half_run(name):
    """A run as a kill after its second step leaves it: the checkpoint of step 2 is the newest one."""
    shutil.rmtree(WORK / name, ignore_errors=True)
    if not (WORK / 'half').exists():
        train('half', *KEEP)
        for later in ('step-00000004.safetensors', 'step-00000006.safetensors'):
            (WORK / 'half/checkpoints' / later).unlink()
    shutil.copytree(WORK / 'half', WORK / name)
    return name


KEEP = ['--set', 'train.keep=9']


def the_recipe():
    out = half_run('a')
    before = tree(out)
    train(out, '--resume', *KEEP, '--set', 'train.steps=8', code=2, says=['train.steps: 6 before, 8 now', '--accept-changes'])
    assert tree(out) == before, 'a refused resume changed the folder'
    train(out, '--resume', '--accept-changes', *KEEP, '--set', 'train.steps=8')
    kept = json.loads((WORK / out / 'environment.json').read_text())['changes']
    assert kept == ['after step 2: train.steps: 6 before, 8 now'], kept
    assert 'steps = 8' in (WORK / out / 'recipe.toml').read_text()
    assert (WORK / out / 'checkpoints/step-00000008.safetensors').exists()
    cawe('train', 'recipe.toml', '--out', 'b', '--accept-changes', code=2, says='--accept-changes without --resume')
    # What cannot go on with the changes stays what it was, and goes on without them.
    out = half_run('b2')
    before = tree(out)
    for change in ('model.width=12', 'train.optimizer=sgd'):
        train(out, '--resume', '--accept-changes', *KEEP, '--set', change, code=3)
        assert tree(out) == before, change
    train(out, '--resume', *KEEP)


def the_data():
    films = sorted((WORK / 'data/images').iterdir())
    kept = films[0].read_bytes()
    out = half_run('c')
    films[0].write_bytes(next((WORK / 'others/images').iterdir()).read_bytes())  # another picture under the same name
    before = tree(out)
    train(out, '--resume', *KEEP, code=2, says='data_films: ')
    assert tree(out) == before
    train(out, '--resume', '--accept-changes', *KEEP)
    assert [c for c in json.loads((WORK / out / 'environment.json').read_text())['changes'] if 'data_films: ' in c]
    films[0].write_bytes(kept)
    boxes = WORK / 'data/stage_2_train_labels.csv'
    text = boxes.read_text()
    out = half_run('d')
    lines = text.splitlines()
    i = next(k for k, line in enumerate(lines) if line.endswith(',1'))
    cells = lines[i].split(',')
    cells[1] = str(float(cells[1]) + 1)
    boxes.write_text('\n'.join(lines[:i] + [','.join(cells)] + lines[i + 1:]) + '\n')
    refused = train(out, '--resume', *KEEP, code=2, says='data_boxes: ')
    assert 'data_films' not in refused.stderr and 'data: ' not in refused.stderr, refused.stderr
    boxes.write_text(text)
    train(out, '--resume', *KEEP)
    assert 'changes' not in json.loads((WORK / out / 'environment.json').read_text())


def persons_who_trained_it():
    """More persons redraw the split: some who trained the run would be tested on."""
    out = half_run('e')
    shutil.move(WORK / 'data', WORK / 'kept')
    cawe('phantom', '--out', 'data', '--images', 60, '--size', 64)
    train(out, '--resume', *KEEP, code=2, says=['data_films: ', 'split: '])
    train(out, '--resume', '--accept-changes', *KEEP, code=3, says='until now was trained on')
    leak = 'a leak was allowed: run %s until now was trained on' % out
    # Allowed, it stays said: in the summary, and in environment.json, also where that is written again later.
    for more, env in (['--accept-changes'], None), ([], {'DNNL_MAX_CPU_ISA': 'SSE41'}), ([], None):
        done = train(out, '--resume', '--json', '--allow-leak', *more, *KEEP, env=env)
        assert json.loads(done.stdout)['leak'] == 'allowed', done.stdout
        films = (WORK / out / 'detections.films.csv').read_text().splitlines()
        assert films[0].endswith(',leak') and any(f.endswith(',1') for f in films), films
        environment = json.loads((WORK / out / 'environment.json').read_text())
        assert [w for w in environment['warnings'] if w.startswith(leak)], environment['warnings']
    assert [c for c in environment['changes'] if 'cpu_library' in c], 'it was not written again'
    shutil.rmtree(WORK / 'data')
    shutil.move(WORK / 'kept', WORK / 'data')


def a_checkpoint_of_another_run():
    train('other', *KEEP, '--set', 'seed=1')
    out = half_run('l')
    place = WORK / out / 'checkpoints/step-00000004.safetensors'
    for source, says in [(WORK / 'other/checkpoints/step-00000004.safetensors', 'step-00000004.safetensors: is another run\'s checkpoint (seed: 1'),
                         (WORK / out / 'checkpoints/step-00000002.safetensors', 'step-00000004.safetensors: is the checkpoint of step 2')]:
        shutil.copy(source, place)
        before = tree(out)
        train(out, '--resume', *KEEP, code=3, says=says)
        assert tree(out) == before, 'a refused resume changed the folder'
    place.unlink()
    train(out, '--resume', *KEEP)


def a_damaged_checkpoint():
    """Is named, and the one before is used; what a name holds does not reach the terminal raw."""
    out = half_run('n\x1b[2J')
    (WORK / out / 'checkpoints/step-00000004.safetensors').write_bytes(b'half')
    done = train(out, '--resume', *KEEP, says=['cawe: warning: n\\x1b[2J/checkpoints/step-00000004.safetensors', 'Going on from the one before'])
    assert '\x1b' not in done.stderr, done.stderr
    assert (WORK / out / 'checkpoints/step-00000004.safetensors.damaged').read_bytes() == b'half', 'a file of the user is lost'
    out = half_run('n2')
    (WORK / out / 'checkpoints/step-00000002.safetensors').write_bytes(b'half')
    train(out, '--resume', *KEEP, says='None is left: the run begins anew')
    assert tree('undisturbed')['undisturbed/metrics.csv'] == tree(out)[out + '/metrics.csv'], 'it did not begin anew'


def a_log_that_lost_lines():
    """Goes on, as after a power cut that the checkpoint survived, and says which steps metrics.csv lacks."""
    for left, says in ((None, '2 steps that the run has logged (1, 2)'), (0, '2 steps that the run has logged (1, 2)'),
                       (1, '1 step that the run has logged (1)')):
        out = half_run('lost')
        log = WORK / out / 'log.jsonl'
        lines = log.read_text().splitlines(True)
        log.unlink() if left is None else log.write_text(''.join(lines[2 - left:2]))
        done = train(out, '--resume', *KEEP, says='cawe: warning: lost/log.jsonl: has no line of ' + says)
        assert len(done.stderr.splitlines()) == 1, done.stderr
        steps = [line.split(',')[0] for line in (WORK / out / 'metrics.csv').read_text().splitlines()[1:]]
        assert steps == [str(s) for s in range(3 - (left or 0), 7)], steps
    out = half_run('lost')
    assert train(out, '--resume', *KEEP).stderr == ''
    (WORK / out / 'log.jsonl').unlink()  # of a run that is at its end
    summary = json.loads(train(out, '--resume', '--json', *KEEP, says='6 steps that the run has logged (1, 2, 3, 4, 5, 6)').stdout)
    assert summary['steps'] == 6 and summary['loss'] is None, summary


def links_in_a_run_folder():
    """Nothing is written, added to or removed where a link leads."""
    theirs = WORK / 'theirs'
    theirs.mkdir()
    (theirs / 'text').write_text('theirs')
    (theirs / 'x.cawe-1-0.part').write_text('theirs')
    before = tree('theirs')
    out = WORK / 'links'

    def begun(**links):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        shutil.copy(WORK / 'half/.cawe', out)
        for name, target in links.items():
            (out / name.replace('_', '.')).symlink_to(target)

    begun(checkpoints='../theirs')
    train('links', '--resume', code=2, says='links/checkpoints: is a link')
    for log in ('log_jsonl', 'timings_csv'):
        begun(**{log: '../theirs/new'})
        train('links', '--resume', code=2, says='links/%s: is a link' % log.replace('_', '.'))
    begun(**{name: '../theirs/text' for name in ('recipe_toml', 'environment_json', 'split_csv', 'metrics_csv', 'results_json', 'detections_csv', 'log_jsonl')})
    train('links', '--resume')
    assert not [p for p in out.rglob('*') if p.is_symlink()], 'a link is left where a file of the run should be'
    shutil.rmtree(out)
    shutil.copytree(WORK / half_run('m'), out)
    shutil.move(out / 'checkpoints', WORK / 'moved')
    (out / 'checkpoints').symlink_to('../moved')
    moved = tree('moved')
    train('links', '--resume', *KEEP, code=2, says='links/checkpoints: is a link')
    assert tree('moved') == moved and tree('theirs') == before


def the_same_by_another_name():
    """Where the films lie and how their folder is spelled decides nothing."""
    out = half_run('k')
    train(out, '--resume', *KEEP, '--set', 'data.root=%s' % (WORK / 'data'))
    assert 'changes' not in json.loads((WORK / out / 'environment.json').read_text())
    assert (WORK / out / 'checkpoints/step-00000006.safetensors').exists()


def what_decides_nothing():
    """How often is saved and logged, and what is kept, may change without a word; what is trained may not."""
    out = half_run('o')
    train(out, '--resume', '--set', 'train.keep=5', '--set', 'train.log_every=3', '--set', 'train.checkpoint_every=3', '--set', 'data.workers=1')
    assert 'changes' not in json.loads((WORK / out / 'environment.json').read_text())
    weights = []
    for run_name in (out, 'half_whole'):
        if run_name != out:
            train(run_name, *KEEP)
        data = (WORK / run_name / 'checkpoints/step-00000006.safetensors').read_bytes()
        weights.append(data[8 + int.from_bytes(data[:8], 'little'):])
    assert weights[0] == weights[1], 'other numbers'
    out = half_run('p')
    train(out, '--resume', *KEEP, '--set', 'train.clip=5', code=2, says=['train.clip: ', ' before, 5.0 now'])


def the_machine():
    out = half_run('f')
    isa = {'DNNL_MAX_CPU_ISA': 'SSE41'}
    done = cawe('train', 'recipe.toml', '--out', out, '--resume', *KEEP, env=isa, says='cpu_library: ')
    assert 'may differ in its last bits' in done.stderr
    assert 'cpu_library' in json.loads((WORK / out / 'environment.json').read_text())['changes'][0]


def a_finished_run():
    first = train('g', '--json').stdout
    again = train('g', '--json', '--resume').stdout
    assert first == again and json.loads(first)['loss'] > 0, (first, again)


def whole():
    if not (WORK / 'undisturbed').exists():
        train('undisturbed')
    return (WORK / 'undisturbed/checkpoints/step-00000006.safetensors').read_bytes()


def any_prefix_of_the_first_writes():
    """A process that dies between two of its writes leaves one of these states; each must resume to the same bytes."""
    train('h')
    first = ['.cawe', 'environment.json', 'recipe.toml', 'split.csv']
    for count in range(len(first) + 1):
        for half_written in ['', 'whole'] if count < len(first) else ['']:
            shutil.rmtree(WORK / 'i', ignore_errors=True)
            (WORK / 'i').mkdir()
            for name in first[:count]:
                shutil.copy(WORK / 'h' / name, WORK / 'i' / name)
            if count > 0:
                (WORK / 'i/checkpoints').mkdir()
            if half_written:
                text = (WORK / 'h' / first[count]).read_bytes()
                (WORK / 'i' / (first[count] + '.cawe-7-0.part')).write_bytes(text[:len(text) // 2])
            train('i', '--resume')
            assert (WORK / 'i/checkpoints/step-00000006.safetensors').read_bytes() == whole(), first[:count]
            assert not list((WORK / 'i').glob('*.part')), count


def a_strangers_folder():
    for name in ('x.cawe-1-0.part', 'notes.txt', 'recipe.toml', '.cawe.cawe-1-0.part'):
        folder = WORK / 'stranger'
        shutil.rmtree(folder, ignore_errors=True)
        (folder / 'below').mkdir(parents=True)
        (folder / name).write_text('not ours')
        (folder / 'below/y.cawe-1-0.part').write_text('not ours')
        before = tree('stranger')
        for more in ([], ['--resume']):
            train('stranger', *more, code=2)
            assert tree('stranger') == before, name
    shutil.copytree(WORK / 'g', WORK / 'mine')
    (WORK / 'mine/keep.part').write_text('a note of the user')
    (WORK / 'mine/mine').mkdir()
    (WORK / 'mine/mine/z.cawe-1-0.part').write_text('deeper: perhaps of another program')
    (WORK / 'mine/half.cawe-1-0.part').write_text('half')
    train('mine', '--resume')
    assert (WORK / 'mine/keep.part').exists() and (WORK / 'mine/mine/z.cawe-1-0.part').exists()
    assert not (WORK / 'mine/half.cawe-1-0.part').exists()


def one_process_a_folder():
    process = subprocess.Popen([PROGRAM, 'train', 'recipe.toml', '--out', 'busy', '--quiet', '--set', 'train.steps=100000'], cwd=WORK)
    deadline = time.time() + 120
    try:
        while not (WORK / 'busy/log.jsonl').exists():
            assert process.poll() is None, 'the first process ended with %s' % process.poll()
            assert time.time() < deadline, 'the first process has logged no step for two minutes'
            time.sleep(.05)
        done = train('busy', '--resume', '--set', 'train.steps=100000', code=2, says=['another process works in this run (%d on ' % process.pid,
                                                                                    'busy/.cawe-lock'])
        assert 'remove' in done.stderr
    finally:
        process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 143
    assert not (WORK / 'busy/.cawe-lock').exists(), 'the lock outlived its process'
    assert [json.loads(line)['step'] for line in (WORK / 'busy/log.jsonl').read_text().splitlines()] == \
        sorted({json.loads(line)['step'] for line in (WORK / 'busy/log.jsonl').read_text().splitlines()}), 'lines of two processes'


def a_fold_without_a_lesion():
    """Scores of a validation without lesions are undefined; training goes on to its end."""
    boxes = WORK / 'data/stage_2_train_labels.csv'
    text = boxes.read_text()
    folds = ['image,patient,fold']
    films = sorted(p.name for p in (WORK / 'data/images').iterdir())
    healthy = {line.split(',')[0] for line in text.splitlines()[1:] if line.endswith(',0')}
    persons = {name: name.split('_')[0] for name in films}
    sick = {persons[name] for name in films if name.rsplit('.', 1)[0] not in healthy}
    unused = [p for p in sorted(set(persons.values())) if p not in sick]
    assert len(unused) >= 2, 'the phantoms have too few healthy persons for this test'
    for name in films:
        person = persons[name]
        folds.append('%s,%s,%s' % (name.rsplit('.', 1)[0], person, 'val' if person == unused[0] else 'test' if person == unused[1] else 'train'))
    (WORK / 'data/folds.csv').write_text('\n'.join(folds) + '\n')
    sets = ['--set', 'data.split=file', '--set', 'data.split_file=folds.csv', '--set', 'train.eval_every=2', '--set', 'data.test=', '--set', 'data.val=']
    done = train('j', '--json', *sets)
    summary = json.loads(done.stdout)
    assert summary['steps'] == 6 and summary['sens@1'] is None and summary['mean_sens'] is None, summary
    log = [json.loads(line) for line in (WORK / 'j/log.jsonl').read_text().splitlines()]
    assert [line['val.mean_sens'] for line in log if 'val.mean_sens' in line] == [None] * 3
    assert not any('score' in line for line in log), 'an undefined score chose a checkpoint'
    results = json.loads((WORK / 'j/results.json').read_text())
    assert results['lesions'] == 0 and results['sens']['1']['value'] is None and 'not defined' in results['notes'][0]


COLORIZER = """task = "colorizer"
phases = ["frozen"]
data.root = "scenes"
data.patient_column = "image"
data.split = "k_folds"
data.folds = 2
data.cross_validate = true
image.size = 64
model.depth = 18
model.width = 8
gan.phi = "none"
gan.critic_width = 8
phase.frozen.steps = 1
phase.frozen.batch = 2
"""


def a_cross_validation():
    """Its folder is marked, locked and gone on with as a run's is; one that is not its own is left alone."""
    cawe('phantom', '--kind', 'scenes', '--out', 'scenes', '--images', 4, '--size', 64)
    (WORK / 'colorizer.toml').write_text(COLORIZER)

    def validate(out, *args, **more):
        return cawe('train', 'colorizer.toml', '--out', out, '--quiet', *args, **more)

    validate('folds')
    files = [p for p in tree('folds') if p.endswith(('scores.csv', 'results.json', '.safetensors'))]
    right = {p.split('/', 1)[1]: tree('folds')[p] for p in files}
    assert 'results.json' in right and (WORK / 'folds/.cawe').read_text() == 'cawe cross-validation 1\n'
    before = tree('folds')
    validate('folds', code=2, says='holds a run already')
    assert tree('folds') == before
    # Stopped between its folds; by a version that did not mark the folder.
    for marked in (True, False):
        shutil.rmtree(WORK / 'folds/fold-1', ignore_errors=True)
        (WORK / 'folds/results.json').unlink()
        if not marked:
            (WORK / 'folds/.cawe').unlink()
        validate('folds', '--resume')
        assert right == {p: tree('folds')['folds/' + p] for p in right}, marked
    # Somebody's files, another run, one more file in a folder without a marker.
    (WORK / 'thesis').mkdir()
    (WORK / 'thesis/scores.csv').write_text('theirs')
    shutil.copytree(WORK / 'folds', WORK / 'more')
    (WORK / 'more/.cawe').unlink()
    (WORK / 'more/notes.txt').write_text('theirs')
    for out, says in (('thesis', 'thesis: holds other files'), ('more', 'more: holds other files'),
                      ('undisturbed', 'undisturbed: is the folder of a run')):
        before = tree(out)
        for more in ([], ['--resume']):
            validate(out, *more, code=2, says=says)
            assert tree(out) == before, out


def main():
    cawe('phantom', '--out', 'data', '--images', 40, '--size', 64)
    cawe('phantom', '--out', 'others', '--images', 1, '--size', 64, '--seed', 9)
    (WORK / 'recipe.toml').write_text(RECIPE)
    whole()
    for test in (the_recipe, the_data, persons_who_trained_it, a_checkpoint_of_another_run, a_damaged_checkpoint, a_log_that_lost_lines, a_cross_validation, links_in_a_run_folder, the_same_by_another_name, what_decides_nothing, the_machine, a_finished_run, any_prefix_of_the_first_writes,
                 a_strangers_folder, one_process_a_folder, a_fold_without_a_lesion):
        test()
        print('ok  ' + test.__name__.replace('_', ' '), flush=True)


main()

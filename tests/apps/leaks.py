# SPDX-License-Identifier: Apache-2.0
"""Films that trained a model: known by their persons, by their pixels, through a split, a manifest or a chain; refused,
or allowed and said wherever a figure is.

usage: python3 tests/apps/leaks.py build/release/cawe
"""
import json
import shutil

from common import WORK, cawe, check
from films import detect, make_run, png, refused, table


def leaks():
    split = {r['image']: r for r in table('run/split.csv')}
    trained = sorted(i for i in split if split[i]['fold'] == 'train')[0]
    png('new/x.png', 900)
    png('new/y.png', 901)
    done = detect('new', 'new.csv')
    warnings = [line for line in done.stderr.splitlines() if line.startswith('cawe: warning: ')]
    check(len(warnings) == 1 and '2 of 2 films name no person' in warnings[0] and '--patients' in warnings[0],
          'one warning with the count')
    (WORK / 'new.persons.csv').write_text('image,patient\nx,somebody\ny,else\n')
    check('warning' not in detect('new', 'new.csv', '--patients', 'new.persons.csv').stderr,
          'none where a table names them')
    persons_of_some_films(split)
    png('byname/%s.png' % trained, 902)
    refused("a film that the run's split names", 3, [split[trained]['patient'], 'run/split.csv', '--allow-leak'],
            'detect', '--weights', 'run', '--input', 'byname', '--out', 'n.csv')
    # The manifest of a chain has pixels; a checkpoint alone, without its split, is enough.
    best = sorted((WORK / 'run/checkpoints').glob('*.safetensors'))[0]
    (WORK / 'alone').mkdir()
    shutil.copy(best, WORK / 'alone/w.safetensors')
    facts = json.loads(cawe('inspect', 'alone/w.safetensors', '--json').stdout)
    check(facts['patients'] == sum(r['fold'] == 'train' for r in split.values()), 'inspect counts persons, not lines')
    (WORK / 'renamed').mkdir()
    shutil.copy(WORK / ('data/images/%s.png' % trained), WORK / 'renamed/holiday.png')
    check(facts['films'] == facts['patients'], 'and films')
    refused('a training film under another name', 3, ['holiday', 'pixels', '--allow-leak'],
            'detect', '--weights', 'alone/w.safetensors', '--input', 'renamed', '--out', 'n.csv')
    allowed = cawe('detect', '--weights', 'alone/w.safetensors', '--input', 'renamed', '--out', 'n.csv', '--allow-leak')
    check('pixels' in allowed.stderr and 'a leak was allowed' in allowed.stdout, '--allow-leak says so')
    leaks_are_kept(split, trained)


def persons_of_some_films(split):
    """A table names persons of some films: the others keep what is known of them."""
    (WORK / 'one.persons.csv').write_text('image,patient\ny.png,else\n')
    done = detect('new', 'one.csv', '--patients', 'one.persons.csv')
    check('1 of 2 films names no person (new/x.png)' in done.stderr and
          {f['image']: f['patient'] for f in table('one.films.csv')} == {'x': '', 'y': 'else'},
          'a film without a row stays as it was, and is counted')
    tested = sorted(i for i in split if split[i]['fold'] == 'test')[0]
    (WORK / 'mix').mkdir()
    shutil.copy(WORK / ('data/images/%s.png' % tested), WORK / 'mix')
    png('mix/x.png', 900)
    detect('mix', 'mix.csv', '--patients', 'run/split.csv')
    check({f['image']: f['patient'] for f in table('mix.films.csv')} == {tested: split[tested]['patient'], 'x': ''},
          "a run's split serves for new films")
    for args in (['detect', '--weights', 'run', '--out', 'none.csv'], ['enhance', '--method', 'none', '--out', 'none']):
        refused('a table that names none of them: ' + args[0], 3, ['run/split.csv: names none of the 2 films', "'x'"],
                *args, '--input', 'new', '--patients', 'run/split.csv')
    check(not (WORK / 'none.csv').exists() and not (WORK / 'none').exists(), 'writes nothing')
    (WORK / 'one.persons.csv').write_text('image,patient\nx,somebody\nx,else\n')
    refused('rows that disagree', 3, ["'x' has two patients"], 'detect', '--weights', 'run', '--input', 'new', '--out',
            'none.csv', '--patients', 'one.persons.csv')


def leaks_are_kept(split, trained):
    """What an allowed leak leaves behind: in what detect and enhance write and say, and in evaluate's figures."""
    (WORK / 'partly').mkdir()
    shutil.copy(WORK / ('data/images/%s.png' % trained), WORK / 'partly/holiday.png')
    png('partly/%s.png' % trained, 903)  # by its person alone, whom the run's split names
    png('partly/new.png', 904)
    known = {'holiday': 1, trained: 1, 'new': 0}
    for options in ([], ['--anon', 'hash']):
        done = detect('partly', 'partly.csv', '--allow-leak', '--json', *options)
        check(json.loads(done.stdout)['leak'] == 'allowed', "detect's --json says that a leak was allowed")
        check({f['image']: int(f['leak']) for f in table('partly.films.csv')} == known, 'the list says of which films')
    detect('partly', 'partly.json', '--allow-leak')
    images = json.loads((WORK / 'partly.films.json').read_text())['images']
    check({f['id'] for f in images if f.get('leak') is True} == {'holiday', trained} and
          all('leak' not in f for f in images if f['id'] == 'new'), 'the same as COCO')
    truth = 'patientId,x,y,width,height,Target\n' + ''.join('%s,10,10,20,20,1\n' % i for i in known)
    (WORK / 'partly_gt.csv').write_text(truth)
    for found in ('partly.csv', 'partly.json'):
        judge = ['evaluate', '--detections', found, '--truth', 'partly_gt.csv', '--draws', 5]
        done = cawe(*judge, '--json')
        check(json.loads(done.stdout)['films_that_trained'] == 2 and '2 of 3 films trained the detector' in done.stderr,
              'evaluate counts films that trained the detector: ' + found)
        check('note: 2 of 3 films trained the detector' in cawe(*judge).stdout, 'and says so as text')
    enhancing = ['enhance', '--method', 'cawe', '--classifier', 'cls', '--input', 'partly', '--out', 'partly_out',
                 '--overwrite', '--quiet']
    refused('enhance refuses them', 3, ['was trained on 1 of these patients', 'on the pixels of 1 of these films',
                                        '--allow-leak'], *enhancing)
    done = cawe(*enhancing, '--allow-leak', '--json')
    check(json.loads(done.stdout)['leak'] == 'allowed', "enhance's --json says that a leak was allowed")
    check('a leak was allowed' in cawe(*enhancing, '--allow-leak').stdout, 'and its text')
    # Where nothing leaked the flag alone says nothing.
    done = detect('new', 'new.csv', '--allow-leak', '--json')
    check('leak' not in json.loads(done.stdout) and 'leak' not in table('new.films.csv')[0],
          'no leak, nothing to say')


def splits_beside_weights():
    """A split names persons of films that name none: in a run of ours it must be whole, elsewhere it may be anybody's.
    """
    broken = 'image,patient,fold\nx,somebody\n'
    for foreign in (broken, 'no table at all "', 'name;fold\nx;3\n'):
        (WORK / 'alone/split.csv').write_text(foreign)
        done = cawe('detect', '--weights', 'alone/w.safetensors', '--input', 'new', '--out', 'n.csv')
        lines = [line for line in done.stderr.splitlines() if 'alone/split.csv' in line]
        assert len(lines) == 1 and lines[0].startswith('cawe: warning: ') and 'left out' in lines[0], done.stderr
    check((WORK / 'alone/split.csv').read_text() == foreign, "somebody's split.csv beside weights is a warning")
    refused('and pixels are compared all the same', 3, ['holiday', 'pixels'], 'detect', '--weights',
            'alone/w.safetensors', '--input', 'renamed', '--out', 'n.csv')
    split = WORK / 'run/split.csv'
    whole = split.read_bytes()
    for ours in (broken.encode(), b'', whole.replace(b'image,', b'film,')):
        split.write_bytes(ours)
        refused('a broken split of a run of ours', 3, ['run/split.csv', '--patients', '--allow-leak'],
                'detect', '--weights', 'run', '--input', 'new', '--out', 'broken.csv')
    assert not (WORK / 'broken.csv').exists()
    for folder, weights in (('run', '.'), ('run/checkpoints', sorted((WORK / 'run/checkpoints').glob('step-*'))[-1].name)):  # names without a folder
        refused('the same from inside the run', 3, ['split.csv', '--patients', '--allow-leak'], 'detect', '--weights',
                weights, '--input', WORK / 'new', '--out', WORK / 'broken.csv', cwd=WORK / folder)
    assert not (WORK / 'broken.csv').exists()
    check('run/split.csv' in detect('new', 'n.csv', '--allow-leak').stderr, '--allow-leak goes on and says so')
    check('split.csv' not in detect('new', 'n.csv', '--patients', 'new.persons.csv').stderr,
          'nobody needs it where persons are known')
    split.write_bytes(whole)


def leaks_of_a_chain():
    """What enhanced the films of a model shaped its weights: who trained that is refused by who starts from them."""
    cawe('train', 'r.toml', '--out', 'chained', '--set', 'enhance.method=cawe', '--set', 'enhance.classifier=cls',
         '--set', 'allow_leak=true', '--quiet')
    refused('tested on who trained the classifier of its init', 3, ['init (', 'was trained on'], 'train', 'r.toml', '--out',
            'after', '--set', 'init=chained', '--quiet')
    tested = [r['image'] for r in table('chained/split.csv') if r['fold'] == 'test']
    (WORK / 'tested').mkdir()
    for i in tested:
        shutil.copy(WORK / ('data/images/%s.png' % i), WORK / 'tested')
    refused('and detect knows the classifier', 3, ['classifier', 'was trained on', 'person'], 'detect', '--weights',
            'chained', '--input', 'tested', '--out', 'n.csv')


def leaks_of_groups():
    """A table of groups over two data sets, each with one film of a group: who trained on the one is not tested on the
    other.
    """
    metadata, boxes = 'image,patient,l\n', 'patientId,x,y,width,height,Target\n'
    for i in range(12):
        png('other/images/new%d.png' % i, 300 + i)
        metadata += 'new%d.png,other %d,%d\n' % (i, i, i % 2)
        boxes += 'new%d,10,10,20,20,1\n' % i if i % 2 else 'new%d,,,,,0\n' % i
    (WORK / 'other/metadata.csv').write_text(metadata)
    (WORK / 'other/boxes.csv').write_text(boxes)
    for groups, partner in (('both.csv', 'im'), ('apart.csv', 'nobody')):
        (WORK / groups).write_text('image,group\n' + ''.join('new%d.png,%d\n%s%d,%d\n' % (i, i, partner, i, i)
                                                             for i in range(12)))
    cawe('train', 'r.toml', '--out', 'everyone', '--quiet', '--set', 'data.groups=both.csv', '--set',
         'data.train_folds=["train","val","test"]', '--set', 'data.val_folds=[]', '--set', 'data.test_folds=[]')
    facts = json.loads(cawe('inspect', sorted((WORK / 'everyone/checkpoints').glob('*.safetensors'))[0], '--json').stdout)
    persons = {r['patient'] for r in table('everyone/split.csv')}
    check(facts['patients'] == len(persons), 'inspect counts persons, not groups')
    after = ['train', 'r.toml', '--out', 'after_groups', '--quiet', '--set', 'data.root=other', '--set', 'init=everyone', '--set']
    refused('a film of a group of which another data set had one that trained', 3,
            ['init (everyone) was trained on', 'group:with im'], *after, 'data.groups=both.csv')
    check(not (WORK / 'after_groups').exists(), 'and nothing is written')
    cawe(*after, 'data.groups=apart.csv')
    check((WORK / 'after_groups').exists(), 'other groups are no leak')


def leaks_of_converted_weights():
    """safetensors that convert made of a checkpoint, or of such a file, still say who trained them, its chain too."""
    cawe('convert', sorted((WORK / 'chained/checkpoints').glob('step-*'))[-1], 'chain.safetensors')
    cawe('convert', 'chain.safetensors', 'again.safetensors')
    check((WORK / 'again.safetensors').read_bytes() == (WORK / 'chain.safetensors').read_bytes(), 'convert keeps what it kept')
    cawe('convert', sorted((WORK / 'run/checkpoints').glob('step-*'))[-1], 'own.safetensors')
    from_it = ['train', 'r.toml', '--out', 'after', '--quiet', '--set', 'init_skip=["optimizer.","chain."]', '--set']
    refused('converted: who trained the classifier of its init', 3, ['init (', 'was trained on'], *from_it,
            'init=again.safetensors')
    other_folds = ['--set', 'data.train_folds=[test]', '--set', 'data.test_folds=[train]']
    refused('converted: who trained the init', 3, ['init (', 'was trained on'], *from_it, 'init=own.safetensors', *other_folds)
    check(not (WORK / 'after').exists(), 'and nothing is written')
    cawe(*from_it, 'init=own.safetensors')
    first, then = ((json.loads(cawe('inspect', sorted((WORK / r / 'checkpoints').glob('step-*'))[-1], '--json').stdout))
                   for r in ('run', 'after'))
    check((then['patients'], then['films']) == (first['patients'], first['films']) and then['films'] > 0,
          'one fold twice is no leak')
    cawe('train', 'r.toml', '--out', 'of_own', '--quiet', '--set', 'init_skip=["optimizer."]', '--set', 'init=own.safetensors',
         *other_folds, '--set', 'allow_leak=true')
    both = json.loads(cawe('inspect', sorted((WORK / 'of_own/checkpoints').glob('step-*'))[-1], '--json').stdout)
    check(both['patients'] > first['patients'], 'who trained them stands in the manifest of what begins with them')
    whole = (WORK / 'own.safetensors').read_bytes()
    at = whole.index(b'"cawe-manifest":"') + len(b'"cawe-manifest":"')
    (WORK / 'own.safetensors').write_bytes(whole[:at] + b'?' + whole[at + 1:])
    refused('a list that is damaged', 3, ['own.safetensors', 'training patients is damaged'], 'convert', 'own.safetensors', 'x.safetensors')
    refused('in training, too', 3, ['own.safetensors', 'training patients is damaged'], *from_it, 'init=own.safetensors', '--set', 'seed=3')


def folds_apart():
    """No fold trains a model and judges it, or chooses its checkpoint and judges it."""
    train = ['train', 'r.toml', '--quiet', '--out']
    for key, folds in (('data.train_folds', '[train,test]'), ('data.test_folds', '["test","train"]'),
                       ('data.val_folds', '[test]')):
        one = ['--set', '%s=%s' % (key, folds)]
        refused('%s=%s' % (key, folds), 2, [key, 'data.test_folds names fold', 'and so does', '--allow-leak'], *train,
                'shared', *one)
    assert not (WORK / 'shared').exists()
    done = cawe(*train, 'shared', *one, '--allow-leak', '--json')
    warnings = json.loads((WORK / 'shared/environment.json').read_text())['warnings']
    check(any('a leak was allowed: data.test_folds names fold "test", and so does data.val_folds' in w for w in warnings) and
          json.loads(done.stdout)['leak'] == 'allowed', 'a fold in two keys, where it is allowed, is kept and said')


def twins():
    """A film that is in the training and the test fold under two persons' names, known by its pixels."""
    with open(WORK / 'data/split.csv', 'w') as f:
        f.write('image,fold\n' + ''.join('im%d,%s\n' % (i, 'test' if i > 7 else 'val' if i > 5 else 'train') for i in range(12)))
    film, whole = WORK / 'data/images/im8.png', (WORK / 'data/images/im8.png').read_bytes()
    by_file = ['--quiet', '--set', 'data.split=file', '--set', 'data.split_file=split.csv']
    for recipe in ('r.toml', 'c.toml'):
        shutil.copy(WORK / 'data/images/im3.png', film)
        refused('the pixels of a training film in the test fold: ' + recipe, 3,
                ['1 of 4 test films has the pixels', 'im8.png', 'person 8', 'im3.png', 'person 3', '--allow-leak'], 'train',
                recipe, '--out', 'twins', *by_file)
        shutil.copy(WORK / 'data/images/im6.png', film)
        refused('of a film that chooses the checkpoint', 3, ['im8.png', 'im6.png'], 'train', recipe, '--out', 'twins',
                *by_file, '--set', 'train.eval_every=1')
    cawe('train', 'c.toml', '--out', 'idle', *by_file)  # validates nothing
    shutil.copy(WORK / 'data/images/im9.png', film)
    cawe('train', 'c.toml', '--out', 'one_side', *by_file)
    check(not (WORK / 'twins').exists(), 'twice in one fold is no leak, and nothing was written before')
    shutil.copy(WORK / 'data/images/im3.png', film)
    done = cawe('train', 'c.toml', '--out', 'twins', '--json', '--allow-leak', *by_file)
    kept = json.loads((WORK / 'twins/environment.json').read_text())['warnings']
    check(json.loads(done.stdout)['leak'] == 'allowed' and
          any(w.startswith('a leak was allowed: 1 of 4 test films') for w in kept), 'allowed, kept and said')
    cawe('train', 'c.toml', '--out', 'unread', *by_file, '--set', 'data.check_images=false')
    kept = json.loads((WORK / 'unread/environment.json').read_text())['warnings']
    check(any('pixels' in w and 'data.check_images is false' in w for w in kept), 'what was not looked at is said')
    film.write_bytes(whole)


make_run()
twins()
folds_apart()
leaks()
splits_beside_weights()
leaks_of_a_chain()
leaks_of_groups()
leaks_of_converted_weights()

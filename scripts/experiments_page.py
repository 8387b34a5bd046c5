"""Tables of docs/experiments.md, and docs/results.md's table of real films, from the tables that scripts/experiments keeps in docs/experiments."""
import csv
import math
import re

NAMES = {'faster_rcnn': 'Faster R-CNN', 'retinanet': 'RetinaNet'}
BODIES = ('random', 'pretrained')
DOSES = ('0', '0.25', '0.5', '0.75', '1')
FORMS = ('cawe', 'cawe-channel', 'cawe-lift', 'cawe-drawn')
ARM_NAMES = {'none': 'plain', 'aa': 'plain, other seeds (A/A)', 'afda': 'AFDA', 'medga': 'MedGA', 'color': 'Color', 'cawe': 'CAWE',
             'color+cawe': 'Color + CAWE', 'cawe-channel': 'CAWE as a third channel', 'cawe-lift': 'CAWE as a lift',
             'cawe-drawn': 'CAWE, α drawn', 'shuffled': "another film's map (control)", 'uniform': 'uniform map (control)',
             'centre': 'centre map (control)', 'clahe': 'CLAHE (control)', 'colormap': 'fixed colours (control)'}
FORM_NAMES = {'cawe': 'product (Eq. 7)', 'cawe-channel': 'third channel', 'cawe-lift': 'lift', 'cawe-drawn': 'product, α drawn'}


def holm(p):
    """Holm's step-down correction, in the order given."""
    order, running, out = sorted(range(len(p)), key=lambda i: p[i]), 0.0, [0.0] * len(p)
    for k, i in enumerate(order):
        running = max(running, min(1.0, p[i] * (len(p) - k)))
        out[i] = running
    return out


def signed(v):
    text = '%.3f' % abs(v)
    return text.lstrip('0') if not float(text) else ('−' if v < 0 else '+') + text.lstrip('0')


def share(v):
    return ('%.3f' % v).lstrip('0')


def at_the_limit(p):
    """Near .05 the draws behind a method's p decide on which side of it it lies: at_the_limit() of report/statements.h."""
    return abs(p - .05) < .1 * p


def p_text(p):
    return '< .001' if p < .001 else ('%.*f' % (4 if at_the_limit(p) else 3, p)).lstrip('0') if p < 1 else '1.000'


class Line:
    """A row of a study's methods.csv."""

    def __init__(self, fields):
        self.name, self.kind, self.seeds = fields['enhancement'], fields['kind'], int(fields['seeds'])
        number = lambda key: float(fields[key]) if fields[key] else math.nan
        self.mean, self.low, self.high, self.sd = (number(k) for k in ('mean', 'low', 'high', 'sd_seeds'))
        self.delta, self.delta_low, self.delta_high, self.p = (number(k) for k in ('delta', 'delta_low', 'delta_high', 'p'))
        self.by_seed = [float(v) for v in fields['by_seed'].split()]

    def difference(self):
        return '%s [%s, %s]' % (signed(self.delta), signed(self.delta_low), signed(self.delta_high))


class Study:
    def __init__(self, folder, name):
        with open(folder / (name + '.methods.csv')) as f:
            self.lines = {line['enhancement']: Line(line) for line in csv.DictReader(f)}
        with open(folder / (name + '.same_system.csv')) as f:
            self.same = next(csv.DictReader(f), None)  # None: no arm was trained again
        with open(folder / (name + '.results.csv')) as f:
            self.runs = {}  # of each arm the lines of results.csv, one a seed
            for line in csv.DictReader(f):
                self.runs.setdefault(line['enhancement'], []).append(line)
        lesions = folder / (name + '.lesions_by_map.csv')
        self.thirds = list(csv.DictReader(open(lesions))) if lesions.exists() else []
        further = folder / (name + '.further.csv')
        self.further = {(f['enhancement'], f['figure']): f for f in csv.DictReader(open(further))} if further.exists() else {}

    def __getitem__(self, name):
        return self.lines[name]

    def sens(self, name, fp):
        """Sens@fp of an arm, mean over its seeds."""
        return sum(float(line['sens@%d' % fp]) for line in self.runs[name]) / len(self.runs[name])


class Results:
    """What is there of the studies, by name."""

    def __init__(self, folder, names):
        self.studies = {name: Study(folder, name) for name in names if (folder / (name + '.methods.csv')).exists()}

    def maps(self, detector, body):
        return self.studies.get('maps-%s-%s' % (detector, body))

    def budget(self, detector, body, steps, maps_steps):
        return self.maps(detector, body) if steps == maps_steps else self.studies.get('budget-%s-%s-%d' % (detector, body, steps))


def table(header, rows):
    return '\n'.join('| %s |' % ' | '.join(str(c) for c in row) for row in [header, ['---'] * len(header)] + rows)


def verdicts(rows, missing=0, level=.05):
    """(difference cell, p, corrected p, word) of lines that are one family, `missing` of which have not been run: their p counts as
    1, and where it would decide the verdict is open."""
    own = [line.p for line in rows]
    corrected, least = holm(own + [1.0] * missing), holm(own + [0.0] * missing)
    words = []
    for line, p, low in zip(rows, corrected, least):
        word = 'no difference shown' if low > level else 'open' if p > level else 'gain' if line.delta > 0 else 'loss'
        words.append((line.difference(), p_text(line.p), p_text(p), word + (', at the limit' if at_the_limit(p) else '')))
    return words


def steps_that_equal(budgets, plain, value):
    """At how many steps the plain arm has this value, linear in log steps; a text where it is outside."""
    if value < plain[0]:
        return 'fewer than %d' % budgets[0]
    for (a, low), (b, high) in zip(zip(budgets, plain), list(zip(budgets, plain))[1:]):
        if low <= value <= high:
            part = (value - low) / (high - low) if high > low else 0
            return '%.0f' % math.exp(math.log(a) + part * (math.log(b) - math.log(a)))
    return 'more than %d' % budgets[-1]


def budget_part(results, detectors, budgets, maps_steps):
    cells = [(d, b, s, results.budget(d, b, s, maps_steps[d])) for b in BODIES for d in detectors for s in budgets]
    there = [c for c in cells if c[3]]
    if not there:
        return None, []
    words = verdicts([study['cawe'] for *_, study in there], len(cells) - len(there))
    rows = []
    for (d, b, s, study), word in zip(there, words):
        plain = {n: results.budget(d, b, n, maps_steps[d]) for n in budgets}
        equal = steps_that_equal(budgets, [plain[n]['none'].mean for n in budgets], study['cawe'].mean) if all(plain.values()) else '–'
        rows.append([NAMES[d], b, s, '%s (SD %s)' % (share(study['none'].mean), share(study['none'].sd)), share(study['cawe'].mean), *word, equal])
    text = table(['detector', 'body', 'steps', 'plain', 'CAWE', 'difference', 'p', 'Holm', 'verdict', 'plain needs, steps'], rows)
    if len(there) < len(cells):
        text += '\n\n%d of %d cells are there; Holm over all, p of those to come taken as 1.' % (len(there), len(cells))
    return text, there


def same_system_part(results):
    pairs = pairs_different = deals = deals_different = 0
    for study in results.studies.values():
        pairs += int(study.same['pairs'])
        pairs_different += int(study.same['pairs_different'])
        deals += int(study.same['deals'])
        deals_different += int(study.same['deals_different'])
    if not deals:
        return None
    aa = [study['aa'] for study in results.studies.values()]
    called = sum(line.p <= .05 for line in aa)
    shares = lambda part, whole: sorted(100 * int(s.same[part]) / int(s.same[whole]) for s in results.studies.values())
    of_pairs, of_deals = shares('pairs_different', 'pairs'), shares('deals_different', 'deals')
    return ('Over all %d studies: a test over patients alone, weights taken as given, calls %d of %d pairs of plain trainings different at .05 '
            '(%.1f %%; single studies %.0f to %.0f %%); the mixed model calls %d of %d ways to deal the twenty plain trainings of a study into two '
            'methods different (%.1f %%; single studies %.1f to %.1f %%), and %d of the %d A/A rows.' %
            (len(aa), pairs_different, pairs, 100 * pairs_different / pairs, of_pairs[0], of_pairs[-1], deals_different, deals,
             100 * deals_different / deals, of_deals[0], of_deals[-1], called, len(aa)))


def dose_part(results, detectors):
    there = [(d, b, results.maps(d, b)) for b in BODIES for d in detectors if results.maps(d, b)]
    if not there:
        return None
    lines = [study['dose=' + q] for _, _, study in there for q in DOSES]
    words = iter(verdicts(lines))
    rows = [[NAMES[d], b, q, share(study['dose=' + q].mean), *next(words)] for d, b, study in there for q in DOSES]
    text = table(['detector', 'body', 'q', 'mean', 'difference to plain', 'p', 'Holm', 'verdict'], rows)
    text += '\n'
    for d, b, study in there:
        missed = {t['third']: float(t['missed_at_1']) for t in study.thirds if t['enhancement'] == 'none'}
        if missed:
            text += ('\n- Ceiling, %s, %s body: plain misses %.1f lesions at one false box an image (mean over seeds); %.1f of them lie in the '
                     'dark third of CAWE\'s map, %.1f in the middle, %.1f in the bright one.' %
                     (NAMES[d], b, sum(missed.values()), missed['dark'], missed['middle'], missed['bright']))
    return text


def form_part(results, detectors):
    there = [(d, b, results.maps(d, b)) for b in BODIES for d in detectors if results.maps(d, b)]
    if not there:
        return None
    control = lambda form: 'dose=0' if form == 'cawe' else 'shuffled:' + form
    words = iter(verdicts([study[f] for _, _, study in there for f in FORMS]))
    against = iter(verdicts([study['%s - %s' % (f, control(f))] for _, _, study in there for f in FORMS]))
    rows = []
    for d, b, study in there:
        for f in FORMS:
            own, other = next(words), next(against)
            rows.append([NAMES[d], b, FORM_NAMES[f], share(study[f].mean), own[0], own[2], own[3], other[0], other[2], other[3]])
    text = table(['detector', 'body', 'form', 'mean', 'minus plain', 'Holm', 'verdict', 'minus its control', 'Holm', 'verdict'], rows)
    means = {f: sum(study[f].delta for _, _, study in there) / len(there) for f in FORMS}
    best = max(means, key=means.get)
    text += '\n\nMean difference to plain over the %d cells: %s. Best form: %s.' % (
        len(there), ', '.join('%s %s' % (FORM_NAMES[f], signed(means[f])) for f in FORMS), FORM_NAMES[best])
    return text


def best_form(results, detectors):
    """C's answer; None before all of its studies are there."""
    there = [results.maps(d, b) for b in BODIES for d in detectors]
    return max(FORMS, key=lambda f: sum(study[f].delta for study in there)) if all(there) else None


def arm_name(name):
    kind, _, method = name.partition(':')
    return "%s, another film's map (control)" % ARM_NAMES[method] if kind == 'shuffled' and method else ARM_NAMES.get(name, name)


def film_arms(results, detector):
    """(arm, its study) of a detector's studies of real films, in the order of ARM_NAMES; the plain arm once."""
    arms, seen = [], set()
    for name, study in results.studies.items():
        if not name.startswith('films-%s-' % detector):
            continue
        for arm in study.runs:
            if arm not in seen:
                seen.add(arm)
                arms.append((arm, study))
    order = list(ARM_NAMES)
    return sorted(arms, key=lambda a: order.index(a[0].partition(':')[0]))


def is_tested(arm):
    """Whether its difference to plain is one of the family: not plain itself, nor plain again."""
    return arm not in ('none', 'aa')


def film_words(results, detectors, family):
    """{(detector, arm): verdict} over the family of both detectors, of which there are `family` differences in all."""
    tested = [(d, arm, study[arm]) for d in detectors for arm, study in film_arms(results, d) if is_tested(arm)]
    return {(d, arm): word for (d, arm, _), word in zip(tested, verdicts([line for *_, line in tested], family - len(tested)))}


def film_table(results, detectors, family):
    words, rows = film_words(results, detectors, family), []
    for d in detectors:
        for k, (arm, study) in enumerate(film_arms(results, d)):
            line = study[arm]
            own = '%s [%s, %s]' % (share(line.mean), share(line.low), share(line.high))
            name = '**%s**, %s' % (NAMES[d], arm_name(arm)) if k == 0 else arm_name(arm)
            last = words.get((d, arm)) or ((line.difference(), p_text(line.p), '', '') if arm == 'aa' else ('', '', '', ''))
            rows.append([name] + [share(study.sens(arm, n)) for n in (1, 2, 3, 4)] + [own, *last])
    return table(['row', 'Sens@1', '@2', '@3', '@4', 'mean of four', 'minus plain', 'p', 'Holm', 'verdict'], rows) if rows else None


def film_part(results, detectors, best, family):
    words = film_words(results, detectors, family)
    if not words:
        return None
    shown = ['%s, %s: %s, Holm %s, %s' % (NAMES[d], arm_name(arm), word[0], word[2], word[3])
             for (d, arm), word in words.items() if word[3] != 'no difference shown']
    text = '%d of %d differences to plain are there; corrected as one family%s' % (
        len(words), family, ', p of those to come taken as 1' if len(words) < family else '')
    text += ', those that are shown or open:\n- ' + '\n- '.join(shown) if shown else ', none is shown.'
    pairs = [('cawe', 'shuffled')] + ([(best, 'shuffled:' + best)] if best not in (None, 'cawe') else [])
    there = [(d, form, results.studies['films-%s-maps' % d]['%s - %s' % (form, control)])
             for d in detectors if 'films-%s-maps' % d in results.studies for form, control in pairs]
    missing = len(detectors) * len(pairs) - len(there)
    lines = ['%s, %s: %s, p %s, Holm %s, %s' % (NAMES[d], arm_name(form), *word)
             for (d, form, _), word in zip(there, verdicts([line for *_, line in there], missing))]
    if lines:
        text += "\n\nMinus the same form with another film's map:\n- " + '\n- '.join(lines)
    return text + '\n\nThe whole table is in [results.md](results.md).'


def second_rule_part(films, detectors, sources):
    """The differences to plain by a second box rule, beside those by the first; of studies whose further.csv is kept."""
    def cells(study, arm):
        own, plain = study.further.get((arm, 'mean_sens_lenient')), study.further.get(('none', 'mean_sens_lenient'))
        if not own or not own['delta']:
            return None
        return [study[arm].difference(), share(float(plain['value'])),
                '%s [%s, %s]' % tuple(signed(float(own[k])) for k in ('delta', 'delta_low', 'delta_high'))]

    rows = []
    for d in detectors:
        for arm, study in film_arms(films, d):
            rows.append((NAMES[d], arm_name(arm), cells(study, arm)))
    for name, words in sources.items():
        if name in films.studies:
            for arm in ('cawe', 'shuffled'):
                rows.append((NAMES['retinanet'], '%s, map learnt on: %s' % (arm_name(arm), words), cells(films.studies[name], arm)))
    rows = [[name, arm, *found] for name, arm, found in rows if found]
    return table(['detector', 'row', 'minus plain, IoU ≥ .5', 'plain, second rule', 'minus plain, second rule'], rows) if rows else None


def sources_part(films, sources):
    """RetinaNet with maps of other classifiers: a family of two differences each, to plain and to another film's map.
    `sources`: what a study's map is learnt on, by its name."""
    there = [(name, films.studies[name]) for name in sources if name in films.studies]
    if not there:
        return None
    pairs = ('cawe', 'cawe - shuffled')
    words = iter(verdicts([study[pair] for _, study in there for pair in pairs], len(pairs) * (len(sources) - len(there))))
    rows = []
    for name, study in there:
        own, other = next(words), next(words)
        rows.append([sources[name], share(study['none'].mean), share(study['cawe'].mean), own[0], own[2], own[3], other[0], other[2], other[3]])
    return table(['map learnt on', 'plain', 'CAWE', 'minus plain', 'Holm', 'verdict', "minus another film's map", 'Holm', 'verdict'], rows)


def put(page, mark, text):
    """The page with the part between <!-- MARK … --> and <!-- end --> replaced."""
    pattern = re.compile(r'(<!-- %s\b.*?-->\n)(.*?)(<!-- end -->)' % re.escape(mark), re.S)
    assert pattern.search(page), 'the page has no mark %r' % mark
    return pattern.sub(lambda m: m.group(1) + text + '\n' + m.group(3), page)


def write(docs, results, films, film_family, sources, best, detectors, budgets, maps_steps):
    """Fills the marked parts of experiments.md and results.md; figures that are there are shown."""
    def shown(text, name, caption):
        there = text and (docs / 'figures' / name).exists()
        return text + '\n\n![%s](figures/%s)' % (caption, name) if there else text

    budget, _ = budget_part(results, detectors, budgets, maps_steps)
    parts = {'budget': shown(budget, 'experiments_budget.svg', 'Mean sensitivity by training steps: means with intervals, dots are seeds'),
             'same system': same_system_part(results),
             'dose': shown(dose_part(results, detectors), 'experiments_dose.svg', "Difference to plain by the map's quality"),
             'form': form_part(results, detectors),
             'films': film_part(films, detectors, best, film_family),
             'second rule': second_rule_part(films, detectors, sources)}
    page_path, results_path = docs / 'experiments.md', docs / 'results.md'
    page = page_path.read_text()
    for mark, text in parts.items():
        page = put(page, mark, text or 'Not run yet.')
    page_path.write_text(page)
    table_of_films = shown(film_table(films, detectors, film_family), 'experiments_films.svg',
                           'Difference of each row to the plain detector on 650 real films: means with intervals (filled: shown after the '
                           'correction), dots are seeds')
    page = put(results_path.read_text(), 'films', table_of_films or 'Not run yet.')
    results_path.write_text(put(page, 'sources', sources_part(films, sources) or 'Not run yet.'))

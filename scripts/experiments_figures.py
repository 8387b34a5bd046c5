"""Figures of docs/experiments.md and docs/results.md, from the tables that scripts/experiments keeps in docs/experiments."""
from experiments_page import BODIES, DOSES, NAMES, arm_name, film_arms, film_words, is_tested


def budget_figure(plot, results, detectors, budgets, maps_steps):
    """Sensitivity by training steps, plain and CAWE; a panel for each detector and body."""
    looks = {'none': ('#555555', 'o', '-', 'plain'), 'cawe': ('#0b7a75', 's', '--', 'CAWE')}
    figure, axes = plot.subplots(2, 2, figsize=(7.2, 5.2), sharex=True, sharey='row', layout='constrained')
    for row, detector in zip(axes, detectors):
        for axis, body in zip(row, BODIES):
            axis.set_title('%s, %s body' % (NAMES[detector], body), fontsize=9)
            for arm, (colour, marker, line, label) in looks.items():
                points = [(s, results.budget(detector, body, s, maps_steps[detector])) for s in budgets]
                points = [(s * (.97 if arm == 'none' else 1.03), study[arm]) for s, study in points if study]
                if not points:
                    continue
                x = [s for s, _ in points]
                axis.plot(x, [l.mean for _, l in points], color=colour, marker=marker, linestyle=line, markersize=5, label=label)
                axis.vlines(x, [l.low for _, l in points], [l.high for _, l in points], color=colour, linewidth=1)
                for s, l in points:
                    axis.plot([s] * len(l.by_seed), l.by_seed, linestyle='', marker='.', markersize=2.5, color=colour, alpha=.5)
            axis.set_xscale('log', base=2)
            axis.set_xticks(budgets, [str(s) for s in budgets])
            axis.set_ylabel('mean of Sens@1…4' if body == 'random' else '')
    for axis in axes[1]:
        axis.set_xlabel('training steps of 8 films')
    axes[0][0].legend(frameon=False)
    return figure


def dose_figure(plot, results, detectors):
    """Difference to plain by the share of the true boxes in the map; a panel for each body."""
    figure, axes = plot.subplots(1, 2, figsize=(7.2, 3), sharey=True, layout='constrained')
    for axis, body in zip(axes, BODIES):
        axis.set_title(body + ' body', fontsize=9)
        axis.axhline(0, color='#999999', linewidth=.8)
        for detector, colour, marker, line in zip(detectors, ('#b8442f', '#0b4f9c'), 'os', ('-', '--')):
            study = results.maps(detector, body)
            if study:
                lines = [study['dose=' + q] for q in DOSES]
                x = [float(q) + (.008 if marker == 's' else -.008) for q in DOSES]
                axis.plot(x, [l.delta for l in lines], color=colour, marker=marker, linestyle=line, markersize=5, label=NAMES[detector])
                axis.vlines(x, [l.delta_low for l in lines], [l.delta_high for l in lines], color=colour, linewidth=1)
        axis.set_xlabel('share of the true boxes in the map, q')
    axes[0].set_ylabel('difference to plain')
    axes[0].legend(frameon=False)
    return figure


def film_figure(plot, films, detectors, family):
    """Every row's difference to plain on the real films; filled marks are those that are shown after the correction."""
    words = film_words(films, detectors, family)
    arms = list(dict.fromkeys(arm for d in detectors for arm, _ in film_arms(films, d) if arm != 'none'))
    figure, axes = plot.subplots(1, len(detectors), figsize=(7.2, .8 + .3 * len(arms)), sharex=True, sharey=True, layout='constrained')
    for axis, detector in zip(axes, detectors):
        axis.set_title(NAMES[detector], fontsize=9)
        axis.axvline(0, color='#999999', linewidth=.8)
        for arm, study in film_arms(films, detector):
            if arm == 'none':
                continue
            line, y = study[arm], arms.index(arm)
            colour = '#0b7a75' if line.kind == 'method' else '#555555'
            filled = is_tested(arm) and words[detector, arm][3].partition(',')[0] in ('gain', 'loss')
            axis.hlines(y, line.delta_low, line.delta_high, color=colour, linewidth=1)
            axis.plot(line.delta, y, color=colour, marker='o' if line.kind == 'method' else 's', markersize=5,
                      markerfacecolor=colour if filled else 'white')
            if is_tested(arm):  # plain again has other seeds: no pairs
                by_seed = [own - plain for own, plain in zip(line.by_seed, study['none'].by_seed)]
                axis.plot(by_seed, [y + .25] * len(by_seed), linestyle='', marker='.', markersize=2.5, color=colour, alpha=.6)
        axis.set_xlabel('mean of Sens@1…4 minus plain')
    axes[0].set_yticks(range(len(arms)), [arm_name(arm) for arm in arms])
    axes[0].set_ylim(len(arms) - .4, -.6)
    return figure


def draw(folder, results, films, family, detectors, budgets, maps_steps):
    """Writes the figures into `folder`; False where matplotlib is not there or nothing was run."""
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use('svg')
    matplotlib.rcParams.update({'svg.hashsalt': 'cawe', 'svg.fonttype': 'none', 'font.family': 'sans-serif', 'font.size': 9,
                                'axes.spines.top': False, 'axes.spines.right': False})
    import matplotlib.pyplot as plot
    figures = {}
    if results.studies:
        figures['budget'] = budget_figure(plot, results, detectors, budgets, maps_steps)
        figures['dose'] = dose_figure(plot, results, detectors)
    if films.studies:
        figures['films'] = film_figure(plot, films, detectors, family)
    for name, figure in figures.items():
        figure.savefig(folder / ('experiments_%s.svg' % name), metadata={'Date': None})
    return bool(figures)

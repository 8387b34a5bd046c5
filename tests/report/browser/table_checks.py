# SPDX-License-Identifier: Apache-2.0
"""Table and curves: every number against the sample's figures, sorting, filtering, reading, switching."""
import math
import re

from browser import Page
from expected import p_text, read_curve, read_mean, signed, table_order
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys


def check_table_numbers(page, figures):
    shown = page("""return [...document.querySelectorAll('#results tbody tr')].map(r => [...r.cells].map(c => ({
        text: c.textContent, ci: (c.querySelector('.ci') || {}).textContent, neg: (c.querySelector('.neg') || {}).textContent})))""")
    rows = table_order(figures["rows"])
    assert len(shown) == len(rows) == 18
    for cells, row in zip(shown, rows):
        for k in range(4):
            value, low, high = row["sens"][k]
            assert cells[1 + k]["text"].startswith(f"{value:.3f}"), (row, k)
            assert cells[1 + k]["ci"] == f"{low:.2f} to {high:.2f}"
            assert cells[1 + k]["neg"] == f"{row['negatives'][k]:.3f}"
        assert f"{row['mean'][0]:.3f}{row['mean'][1]:.2f} to {row['mean'][2]:.2f}" in cells[5]["text"]
        if row["baseline"]:
            assert [c["text"] for c in cells[6:9]] == ["–"] * 3
            continue
        value, low, high = row["delta"]
        assert cells[6]["text"] == f"{signed(value)}{signed(low)} to {signed(high)}"
        assert cells[7]["text"] == f"{p_text(row['p'])}Holm {p_text(row['holm'])}"
        zero = low <= 0 <= high
        gain, loss = ("▲ gain", "▼ loss") if len(row["seeds"]) > 1 else ("▲ more found, these weights", "▼ fewer found, these weights")
        support = "no difference shown" if zero or row["holm"] > 0.05 else gain if low > 0 else loss
        assert cells[8]["text"] == support, row
        assert cells[9]["text"].startswith(f"{row['map50']:.3f}")
    text = page.element("table").text
    assert "One seed: intervals and p are of these weights only" in text and "5 seeds: intervals and p are over seeds and patients" in text
    assert "family of 16 comparisons" in text and "The smallest p that 1000 draws can give is 0.0020, corrected 0.0320. With several seeds p is of a t distribution and has no floor of its draws." in text
    # Beside verdicts by paired comparisons nothing says that intervals of rows decide.
    assert "not ranked" not in text and "What decides is the paired comparison with the plain row" in text
    ranks = len(page.many("#results .rank"))
    assert ("here that is none" in text) == (ranks == 0), ranks
    assert "paper 0.604" in shown[0][1]["text"] and "paper" not in shown[17][1]["text"]


def check_forest(page, figures):
    """Means and seeds stand on one scale, which has room for all of them; of one seed there is no dot beside the mean."""
    drawn = page("""return [...document.querySelectorAll('#results tbody .forest')].map(f =>
        ['circle:not(.seed)', '.seed'].map(s => [...f.querySelectorAll(s)].map(c => Number(c.getAttribute('cx')))))""")
    rows = table_order(figures["rows"])
    assert len(drawn) == len(rows)
    known = sorted((row["mean"][0], mean[0]) for (mean, _), row in zip(drawn, rows))
    (v0, x0), (v1, x1) = known[0], known[-1]
    for (mean, seeds), row in zip(drawn, rows):
        each = [sum(read_curve(points, n)[2] for n in (1, 2, 3, 4)) / 4 for points in row["seeds"]]
        assert len(mean) == 1 and len(seeds) == (len(each) if len(each) > 1 else 0), row
        for shown, value in zip(mean + seeds, [row["mean"][0]] + each):
            assert abs(shown - (x0 + (x1 - x0) * (value - v0) / (v1 - v0))) < 0.3 and 4 <= shown <= 146, (row, shown, value)
    assert "small dots: seeds" in page.one("#results thead").text
    size = page("return [...document.querySelectorAll('.forest .seed')].map(c => [c.getBoundingClientRect().height, getComputedStyle(c).opacity])")
    assert len(size) == 45 and all(1 < height < 4 and float(opacity) < 0.7 for height, opacity in size), size[:3]


def check_lesions_only(driver, address):
    """Without lesion-free films no curve is over them, and nothing says that one is at 0."""
    page = Page(driver, address)
    button = page.one("[data-denominator=negatives]")
    assert not button.is_enabled() and button.text == "No lesion-free images here", button.text
    assert page("return [...document.querySelectorAll('#results .neg')].every(e => e.textContent === 'n/a')")
    page("arguments[0].disabled = false", button)  # nor does the script, were it asked
    page.click(button)
    cells = page("return [...document.querySelectorAll('.legend tbody tr')].map(r => [...r.cells].slice(1).map(c => c.textContent))")
    assert len(cells) == 4 and all(line == ["n/a", "–", "–"] for line in cells), cells
    page.click(page.one("[data-denominator=images]"))
    assert page("return [...document.querySelectorAll('.legend tbody td:nth-child(2)')].every(c => Number(c.textContent) > 0)")


def check_sentences(page, figures):
    """Every sentence says what its row of the table says, in the verdict's words and in its figures, read off the page alone."""
    said = page("""return [...document.querySelectorAll('#claims li')].map(e => e.textContent)""")
    rows = page("""return [...document.querySelectorAll('#results tbody tr')].filter(r => !r.classList.contains('baseline')).map(r => ({
        name: r.cells[0].querySelector('b').textContent, detector: r.cells[0].querySelector('small').textContent.split(' · ')[0],
        delta: r.cells[6].firstChild.textContent, range: r.cells[6].querySelector('small').textContent,
        p: r.cells[7].querySelector('small').textContent.replace('Holm ', ''), support: r.cells[8].textContent}))""")
    assert len(said) == len(rows) == 16
    verdicts = {"gain": 0, "loss": 0}
    for sentence, row in zip(said, rows):
        weights = row["detector"] == "Faster R-CNN"
        low, high = (float(v.replace("−", "-")) for v in row["range"].split(" to "))
        p = 0.0 if row["p"].startswith("<") else float(row["p"])
        figures_said = "(%s, 95 %% interval %s over %s, corrected p %s)" % (
            row["delta"], row["range"], "patients" if weights else "seeds and patients", row["p"])
        who = "%s with %s" % (row["detector"], row["name"])
        word = "finds more lesions than" if low > 0 and p <= .05 else "finds fewer lesions than" if high < 0 and p <= .05 else "against"
        assert figures_said in sentence and who + " " + word + " plain " + row["detector"] in sentence, (sentence, row)
        assert ("One seed, these weights only: " in sentence) == weights, sentence
        assert ("no difference shown" in sentence) == (word == "against"), sentence
        assert (", tested at 0.05 / 16, as Holm's first step does." in sentence) == (word == "against" and low < high), sentence
        verdicts["gain"] += word.startswith("finds more") and not sentence.startswith("Control")
        verdicts["loss"] += word.startswith("finds fewer") and not sentence.startswith("Control")
    findings = page("return [...document.querySelectorAll('.findings li')].map(e => e.textContent)")[-1]
    counted = [int(n) for n in re.findall(r"(\d+) shows? a gain, (\d+) a loss", findings) for n in n]
    assert [counted[0] + counted[2], counted[1] + counted[3]] == [verdicts["gain"], verdicts["loss"]], (findings, verdicts)


def check_sorting(page, figures):
    def column(k):
        return page("return [...document.querySelectorAll('#results tbody tr')].map(r => r.cells[arguments[0]].dataset.sort)", k)
    original = column(1)
    buttons = page.many("#results thead button")
    for k, value in ((1, lambda r: r["sens"][0][0]), (5, lambda r: r["mean"][0]), (6, lambda r: r["delta"][0]), (7, lambda r: r["p"]),
                     (9, lambda r: r["map50"])):
        known = sorted((value(r) for r in figures["rows"] if k not in (6, 7) or not r["baseline"]), reverse=True)
        page.click(buttons[k])
        assert page.many("#results thead th")[k].get_attribute("aria-sort") == "descending"
        falling = column(k)
        assert [float(v) for v in falling if v] == known, k
        assert all(not v for v in falling[len(known):]), "unknown values come last"
        buttons[k].send_keys(Keys.ENTER)
        assert [float(v) for v in column(k) if v] == known[::-1]
        assert page("return document.querySelectorAll('#results [aria-sort]').length") == 1
        buttons[k].send_keys(Keys.SPACE)
        assert column(1) == original, "the third press gives the first order back"
    page.click(buttons[8])
    assert column(8)[0] == "1", "gains first"
    page.click(buttons[8])
    assert column(8)[0] == "-1"
    page.click(buttons[8])
    shown = "return getComputedStyle(document.querySelector('#results td ' + arguments[0])).display"
    for kind, other in (("diff", "ci"), ("neg", "diff"), ("ci", "neg")):
        page.click(page.one(f"[data-show={kind}]"))
        assert page(shown, "." + kind) == "block" and page(shown, "." + other) == "none"


def check_filter(page, _):
    def names():
        return page("return [...document.querySelectorAll('#results tbody tr')].filter(r => r.offsetParent).map(r => r.dataset.name)")

    def claims():
        return page("return [...document.querySelectorAll('#claims li')].filter(r => r.offsetParent).map(r => r.textContent)")
    assert len(names()) == 18 and len(claims()) == 16
    page.click(page.one("[data-filter-detector=RetinaNet]"))
    assert len(names()) == 9 and all("RetinaNet" in n for n in names())
    assert len(claims()) == 8 and all("RetinaNet" in c for c in claims())
    assert page.element("row-count").text == "9 of 18 rows"
    page.click(page.element("controls"))
    assert len(names()) == 6 and not any("control" in n for n in names())
    box = page.element("filter")
    box.send_keys("cawe")
    assert names() == ["RetinaNet CAWE", "RetinaNet Color + CAWE"]
    box.send_keys(" color")
    assert names() == ["RetinaNet Color + CAWE"] and len(claims()) == 1
    page.click(page.one("[data-filter-detector='']"))
    assert names() == ["Faster R-CNN Color + CAWE", "RetinaNet Color + CAWE"]
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(Keys.DELETE)
    page.click(page.element("controls"))
    assert len(names()) == 18


def check_readout(page, figures):
    def legend(chart):
        return page("""return [...document.querySelectorAll('.chart')[arguments[0]].querySelectorAll('.legend tbody tr')].map(r =>
            [r.querySelector('input').dataset.row, ...[...r.cells].slice(1).map(c => c.textContent)])""", chart)

    def expect(chart, fp, x=1):
        lines = legend(chart)
        assert len(lines) == 9
        for row, sensitivity, false_positives, threshold in lines:
            wanted = read_mean(figures["rows"][int(row)]["seeds"], fp, x)
            assert (sensitivity, false_positives, threshold) == wanted, (row, fp, wanted, (sensitivity, false_positives, threshold))
    for chart in (0, 1):
        expect(chart, 1)
    svg = page.one(".chart svg")
    page("arguments[0].scrollIntoView({block: 'center'})", svg)
    page.settle()
    ActionChains(page.driver).move_to_element_with_offset(svg, 40, 0).perform()
    text = page.one(".chart .readout").text
    assert text.endswith("false positives per image"), text
    fp = float(text.split()[1])
    left, width = page("const r = arguments[0].getBoundingClientRect(); return [r.left, r.width]", svg)
    x = page("return Number(document.querySelector('.chart .probe line').getAttribute('x1'))")
    assert abs(62 + 634 * fp / 8 - x) < 0.5, "the line stands where the read-out says"
    assert abs((width / 2 + 40) / width * 720 - x) < 1.5, "and where the pointer is"
    for row, sensitivity, *_ in legend(0):
        around = [float(read_mean(figures["rows"][int(row)]["seeds"], fp + d)[0]) for d in (-0.01, 0.01)]
        assert around[0] - 6e-4 <= float(sensitivity) <= around[1] + 6e-4
    svg.send_keys(Keys.ARROW_RIGHT)
    fp = float(page.one(".chart .readout").text.split()[1])
    assert fp * 8 % 1 == 0 or abs(fp - round(fp * 8) / 8) <= 0.005, "arrow keys go in eighths"
    expect(0, round(fp * 8) / 8)
    page.click(page.one("[data-denominator=negatives]"))
    expect(0, 1, 3)
    assert "lesion-free" in page.one(".chart .readout").text
    page.click(page.one("[data-denominator=images]"))
    expect(1, 1)
    # By octaves: the line and the read-out belong together, and curves are drawn where they are read.
    page.click(page.element("log-axis"))
    page("arguments[0].scrollIntoView({block: 'center'})", svg)
    ActionChains(page.driver).move_to_element_with_offset(svg, -90, 0).perform()
    fp = float(page.one(".chart .readout").text.split()[1])
    x = page("return Number(document.querySelector('.chart .probe line').getAttribute('x1'))")
    assert abs(62 + 634 * math.log2(16 * fp) / 7 - x) < 8, (fp, x)
    assert abs((width / 2 - 90) / width * 720 - x) < 1.5
    svg.send_keys(Keys.ARROW_RIGHT)
    fp = 2 ** (round(8 * math.log2(float(page.one(".chart .readout").text.split()[1]))) / 8)
    expect(0, fp)
    page.click(page.element("log-axis"))


def points_of(path):
    """Corners of a path of M, H, V and L."""
    out, at = [], [0.0, 0.0]
    for kind, numbers in re.findall(r"([MHVL])([^MHVL]*)", path):
        values = [float(v) for v in numbers.split()]
        at = [values[0], at[1]] if kind == "H" else [at[0], values[0]] if kind == "V" else values
        out.append(tuple(at))
    return out


def check_curves_and_marks(page, figures):
    """Curves are means of seeds on either axis; marks, and dots at the viewer's threshold, lie on their curves."""
    for logarithmic in (False, True):
        if logarithmic:
            page.click(page.element("log-axis"))
        kind = "log" if logarithmic else "lin"
        hidden = "lin" if logarithmic else "log"
        assert page("return [...document.querySelectorAll('.chart .' + arguments[0])].every(e => getComputedStyle(e).display === 'none')", hidden)
        looks = set()
        for series in page(f"""return [...document.querySelectorAll('.series')].map(g => ({{row: Number(g.dataset.row),
                d: g.querySelector('.{kind} .line').getAttribute('d'), dashes: g.querySelector('.{kind} .line').getAttribute('stroke-dasharray'),
                marks: [...g.querySelectorAll('.{kind} .mark:not(.neg)')].map(m => [m.getAttribute('transform'), m.getAttribute('d')])}}))"""):
            row = figures["rows"][series["row"]]
            corners = points_of(series["d"])
            for fp in (0.2, 0.5, 1, 2, 3, 4, 6):
                x = 62 + 634 * (math.log2(16 * fp) / 7 if logarithmic else fp / 8)
                drawn = [(364 - y) / 312 for px, y in corners if px <= x + 0.06]
                around = [float(read_mean(row["seeds"], fp * f)[0]) for f in (0.99, 1.01)]
                assert around[0] - 0.002 <= drawn[-1] <= around[1] + 0.002, (row["enhancement"], fp, drawn[-1], around)
            for where, _ in series["marks"]:
                x, y = (float(v) for v in where[10:-1].split(","))
                on = [[b for a, b in corners if a <= x + d][-1] for d in (-0.11, 0.11)]
                assert min(on) - 0.11 <= y <= max(on) + 0.11, (row["enhancement"], where, on)
            assert len(series["marks"]) >= 2, row["enhancement"]
            looks.add((row["detector"], series["dashes"], series["marks"][0][1]))
        assert len(looks) == len(figures["rows"]), "each row of a detector has its own dashes and mark"
    page.click(page.element("log-axis"))
    page.slide("threshold", 0.4)
    for chart, detector in enumerate(("faster_rcnn", "retinanet")):
        dots = page("return [...document.querySelectorAll('.chart')[arguments[0]].querySelectorAll('.marks circle')].map(c => "
                    "['cx', 'cy'].map(a => Number(c.getAttribute(a))))", chart)
        rows = [r for r in table_order(figures["rows"]) if r["detector"] == detector and not r["control"]]
        assert len(dots) == len(rows) == 6
        for (x, y), row in zip(dots, rows):
            of_first = [p for p in row["seeds"][0] if p[0] >= 0.4][-1]
            assert abs(x - (62 + 634 * of_first[1] / 8)) < 1e-6, row["enhancement"]
            # A hair to the right, since the page's numbers are rounded.
            assert abs((364 - y) / 312 - float(read_mean(row["seeds"], of_first[1] + 1e-7)[0])) < 6e-4, row["enhancement"]
    page.click(page.element("reset"))


def check_switching_curves(page, _):
    def drawn():
        return page("""return [...document.querySelectorAll('.chart .series .line')].filter(e => getComputedStyle(e).display !== 'none' &&
            e.getBoundingClientRect().width > 0).length""")
    assert drawn() == 12, "six methods a detector; controls are off at first"
    box = page.one(".chart .legend input")
    marks = "return document.querySelector('.chart .marks').children.length"
    before = page(marks)
    assert before == 6
    box.send_keys(Keys.SPACE)
    assert drawn() == 11 and page(marks) == before - 1
    page.click(box)
    control = page.many(".chart")[0].find_elements("css selector", ".legend input")[7]
    page.click(control)
    assert drawn() == 13
    page.click(control)
    ActionChains(page.driver).move_to_element(page.element("bands")).perform()
    lit = """return [...document.querySelectorAll('.chart .series:not(.off) .band')].filter(e => getComputedStyle(e).opacity > 0.1 &&
        e.getBoundingClientRect().width > 0).length"""
    page.wait(lambda: page(lit) == 2)
    page.click(page.element("bands"))
    page.wait(lambda: page(lit) == 12)
    page.click(page.element("bands"))
    page.wait(lambda: page(lit) == 2)

# SPDX-License-Identifier: Apache-2.0
"""The viewer: every pixel against fusion (Eq. 7 of the paper), boxes against the panel's own, keyboard and mouse."""
from browser import Page
from expected import eq7, fit_map, panel_data, read_png, same
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys


def row_shown(page, figures):
    return figures["rows"][int(page("return document.getElementById('row').value"))]


def check_one_form(driver, address):
    """Without a row of the product the first picture is one that a detector saw; plain again with other seeds saw the grey film."""
    page = Page(driver, address)
    names = [b.text for b in page.many("#pictures button")]
    assert names == ["Grey", "CAWE lift", "Grey with map", "Side by side"], names
    assert page.one("#pictures [aria-pressed=true]").text == "CAWE lift"
    assert page.element("whose").text == "Picture: CAWE lift. Boxes of RetinaNet with CAWE lift, whose detector saw this picture."
    page.choose("row", "2")
    assert page.one("#pictures [aria-pressed=true]").text == "Grey"
    assert page.element("whose").text.endswith("Boxes of plain RetinaNet with other seeds, whose detector saw this picture."), page.element("whose").text
    page.picture("Grey with map")
    assert page.element("whose").text.endswith("whose detector saw Grey, not this picture."), page.element("whose").text


def check_bare(driver, address):
    """A page with a film alone says nothing of rows, maps and a table, and gives no figures of a test set."""
    page = Page(driver, address)
    assert page.element("whose").text == "Picture: Grey."
    assert page.element("state").text == "This image: 2 true, 0 predicted: 0 right, 0 wrong.", page.element("state").text
    assert not page.element("alpha").is_enabled() and "α" not in page.one("#viewer .lead").text
    targets = page("return [...document.querySelectorAll('a[href^=\"#\"]')].map(a => [a.textContent, Boolean(document.querySelector(a.getAttribute('href')))])")
    assert targets[0][0] == "Skip to the content" and all(found for _, found in targets), targets


def check_first_picture(page, figures):
    """The first picture has the boxes of the row that saw it; picture and row follow one another."""
    assert page.one("#pictures [aria-pressed=true]").text == "CAWE"
    assert (row_shown(page, figures)["detector"], row_shown(page, figures)["enhancement"]) == ("faster_rcnn", "cawe")
    assert page.element("whose").text == "Picture: CAWE, α = 0.50. Boxes of Faster R-CNN with CAWE, whose detector saw this picture."
    row = next(i for i, r in enumerate(figures["rows"]) if (r["detector"], r["enhancement"]) == ("faster_rcnn", "cawe"))
    kept = [p for p in panel_data(page, 0)["predictions"][row] if p[4] >= 0.5]
    assert (page.boxes("hit"), page.boxes("uncounted"), page.boxes("miss")) == (
        sum(p[5] for p in kept), sum(p[6] for p in kept), sum(1 - p[5] - p[6] for p in kept)) and kept
    scores = page("return [...document.querySelectorAll('#boxes text')].map(t => t.textContent)")
    assert scores == [f"{p[4]:.2f}" for p in kept], "the boxes of that row"
    for picture, enhancement in (("AFDA", "afda"), ("Grey", "none"), ("Color + CAWE", "color+cawe")):
        page.picture(picture)
        assert (row_shown(page, figures)["detector"], row_shown(page, figures)["enhancement"]) == ("faster_rcnn", enhancement)
        assert page.element("whose").text.endswith("whose detector saw this picture."), page.element("whose").text
    page.slide("alpha", 0.2)
    assert page.element("whose").text.endswith("whose detector saw it at α = 0.50."), "another alpha than the detector's"
    page.slide("alpha", 0.5)
    # A control's own picture is not among those of the film: that is said.
    control = next(i for i, r in enumerate(figures["rows"]) if r["enhancement"] == "shuffled map")
    page.choose("row", str(control))
    assert page.element("whose").text == ("Picture: Color + CAWE, α = 0.50. Boxes of RetinaNet with shuffled map, whose detector saw a "
                                          "picture that is not shown here.")
    page.click(page.element("next"))
    page.settle()
    assert row_shown(page, figures)["enhancement"] == "shuffled map", "turning the page changes no row"
    page.click(page.element("previous"))
    page.picture("Side by side")
    assert "row whose detector saw it" in page.element("whose").text
    page.choose("row", str(row))
    page.picture("CAWE")
    assert row_shown(page, figures)["detector"] == "faster_rcnn"


def check_map_classes(page, _):
    """A map of active classes and a fallback are told apart."""
    seen = set()
    for k in range(5):
        words = page.element("classes").text
        if panel_data(page, k)["truth"]:
            assert words == "active classes: opacity 0.93, mass 0.61", words
        else:
            assert words == "no class is active (fallback: the likeliest, mass 0.38)", words
        seen.add(words)
        page.click(page.element("next"))
        page.settle()
    assert len(seen) == 2


def check_alpha_recomputes_eq_7(page, _):
    panel = panel_data(page, 0)
    assert page.one("#pictures [aria-pressed=true]").text == "CAWE", "a fused picture is shown first"
    same(page.pixels(), eq7(panel, "CAWE", 0.5), "alpha of the report")
    for alpha in (0, 0.37, 1):
        page.slide("alpha", alpha)
        assert page.element("alpha-value").text == f"{alpha:.2f}"
        same(page.pixels(), eq7(panel, "CAWE", alpha), alpha)
    assert eq7(panel, "CAWE", 1) == eq7(panel, "Grey", 0.2), "at 1 the film itself"
    page.picture("Color + CAWE")
    page.slide("alpha", 0.2)
    same(page.pixels(), eq7(panel, "Color + CAWE", 0.2), "colour")
    page.element("alpha").send_keys(Keys.ARROW_RIGHT)
    same(page.pixels(), eq7(panel, "Color + CAWE", 0.21), "the slider answers the keyboard")
    page.picture("AFDA")
    assert not page.element("alpha").is_enabled(), "alpha says nothing about a picture that is not fused"
    same(page.pixels(), eq7(panel, "AFDA", 0.21), "as it is")
    page.picture("CAWE")
    page.click(page.element("reset"))


def check_window(page, _):
    panel = panel_data(page, 0)
    stage = page.element("window")
    page("arguments[0].scrollIntoView({block: 'center'})", stage)
    side = page("return arguments[0].getBoundingClientRect().width", stage)
    ActionChains(page.driver).move_to_element(stage).click_and_hold().move_by_offset(60, 120).release().perform()
    page.settle()
    level, width = page("return [Number(document.getElementById('level').value), Number(document.getElementById('width').value)]")
    assert abs(level - (0.5 + 120 / side)) < 0.01 and abs(width - (1 + 120 / side)) < 0.01, (level, width, side)
    # The drag itself moves in pixels, the sliders in hundredths: set both to compare every pixel.
    for level, width in ((0.5, 0.3), (0.72, 1.4), (0.1, 0.02)):
        page.slide("level", level)
        page.slide("width", width)
        same(page.pixels(), eq7(panel, "CAWE", 0.5, level, width), (level, width))
    stage.send_keys(Keys.HOME)
    same(page.pixels(), eq7(panel, "CAWE", 0.5), "Home resets")
    stage.send_keys(Keys.ARROW_DOWN)
    same(page.pixels(), eq7(panel, "CAWE", 0.5, 0.52, 1), "arrow down raises the level")
    stage.send_keys(Keys.ARROW_UP, Keys.ARROW_LEFT)
    same(page.pixels(), eq7(panel, "CAWE", 0.5, 0.5, 0.95), "arrow left narrows")
    page.click(page.element("reset"))
    same(page.pixels(), eq7(panel, "CAWE", 0.5), "reset")


def check_threshold_and_rows(page, figures):
    panel = panel_data(page, 0)
    for row in (0, 5, 12):
        page.choose("row", str(row))
        ties = [p[4] for p in panel["predictions"][row] if p[4] == round(p[4], 2)]
        assert ties, "the sample has scores that equal a threshold"
        for t in (0, 0.29, 0.5, 0.8, 1, *ties[:2]):
            page.slide("threshold", t)
            kept = [p for p in panel["predictions"][row] if p[4] >= t]
            assert page.boxes("hit") == sum(p[5] for p in kept), (row, t)
            assert page.boxes("uncounted") == sum(p[6] for p in kept), (row, t)
            assert page.boxes("miss") == sum(1 - p[5] - p[6] for p in kept), (row, t)
            curve = [p for p in figures["rows"][row]["seeds"][0] if p[0] >= t]
            sensitivity, fp = (f"{curve[-1][2]:.3f}", f"{curve[-1][1]:.2f}") if curve else ("0.000", "0.00")
            assert f"sensitivity {sensitivity} at {fp} false" in page.element("state").text, (row, t)
    page.slide("threshold", 0)
    shown = page("return [...document.querySelectorAll('#boxes rect:not(.truth)')].map(r => ['x','y','width','height'].map(a => Number(r.getAttribute(a))))")
    for box, p in zip(shown, panel["predictions"][12]):
        assert max(abs(a - b) for a, b in zip(box, (p[0], p[1], p[2] - p[0], p[3] - p[1]))) < 1e-9
    assert page.boxes("truth") == len(panel["truth"]) == 2
    page.click(page.element("show-truth"))
    assert page.boxes("truth") == 0
    page.click(page.element("show-truth"))
    # Choosing a row shows what its detector saw.
    index = next(i for i, r in enumerate(figures["rows"]) if r["enhancement"] == "medga")
    page.choose("row", str(index))
    assert page.one("#pictures [aria-pressed=true]").text == "MedGA"
    page.choose("row", "0")
    assert page.one("#pictures [aria-pressed=true]").text == "Grey"
    page.picture("CAWE")
    page.click(page.element("reset"))


def check_overlay(page, _):
    w, h, before = page.pixels()
    assert all(before[i] == before[i + 1] == before[i + 2] for i in range(0, len(before), 3)), "grey"
    page.click(page.element("overlay"))
    over = page.pixels()[2]
    fitted = fit_map(read_png(panel_data(page, 0)["map"]), w, h)
    peak = max(range(w * h), key=fitted.__getitem__)
    assert fitted[peak] > 240
    assert over[3 * peak] - over[3 * peak + 2] > 40, "the map's peak is warm"
    dark = fitted.index(0)
    assert over[3 * dark:3 * dark + 3] == before[3 * dark:3 * dark + 3], "no map, no colour"
    page.click(page.element("overlay"))
    assert page.pixels()[2] == before


def check_film_list(page, _):
    films = page.element("films")
    page("arguments[0].scrollIntoView({block: 'center'})", films)
    page.wait(lambda: page("return document.querySelectorAll('#films canvas[data-drawn]').length") == 5)
    assert page("""return [...document.querySelectorAll('#films canvas')].every(c =>
        c.getContext('2d').getImageData(0, 0, 48, 48).data.some((v, i) => i % 4 === 0 && v > 60))"""), "thumbnails"

    def selected():
        page.settle()
        return page("return [...document.querySelectorAll('#films li')].findIndex(e => e.getAttribute('aria-selected') === 'true')")
    films.send_keys(Keys.ARROW_DOWN)
    assert selected() == 1 and films.get_attribute("aria-activedescendant") == "film-1"
    same(page.pixels(), eq7(panel_data(page, 1), "CAWE", 0.5), "the second film")
    films.send_keys(Keys.END)
    assert selected() == 4
    films.send_keys(Keys.ARROW_DOWN)
    assert selected() == 4, "the list ends"
    page.click(page.element("next"))
    assert selected() == 0, "the button goes round"
    page.element("window").send_keys(Keys.PAGE_DOWN)
    assert selected() == 1
    page.click(page.many("#films li")[3])
    assert selected() == 3 and page.boxes("truth") == 0 and "no lesion" in page.many("#films li")[3].text
    films.send_keys(Keys.HOME)
    same(page.pixels(), eq7(panel_data(page, 0), "CAWE", 0.5), "back")


def check_side_by_side(page, figures):
    page.picture("Side by side")
    panel = panel_data(page, 0)
    page.slide("alpha", 0.3)
    page.slide("level", 0.4)
    page.wait(lambda: page("return document.querySelectorAll('#grid canvas').length") == 6)
    names = [p["name"] for p in panel["pictures"]]
    assert names == ["Grey", "AFDA", "MedGA", "Color", "CAWE", "Color + CAWE"]
    for i, name in enumerate(names):
        same(page.pixels(f"#grid .cell:nth-child({i + 1}) canvas"), eq7(panel, name, 0.3, 0.4), name)
    # Each picture has the boxes of the chosen detector's row that saw it.
    page.choose("row", "0")
    for i, key in enumerate(["none", "afda", "medga", "color", "cawe", "color+cawe"]):
        row = next(k for k, r in enumerate(figures["rows"]) if r["detector"] == "retinanet" and r["enhancement"] == key)
        kept = [p for p in panel["predictions"][row] if p[4] >= 0.5]
        cell = f"#grid .cell:nth-child({i + 1})"
        assert page.boxes("hit", cell + " svg") == sum(p[5] for p in kept), key
        right, left_out = sum(p[5] for p in kept), sum(p[6] for p in kept)
        assert page.one(cell + " small").text == (f"2 true, {len(kept)} predicted: {right} right, {len(kept) - right - left_out} wrong" +
                                                  (f", {left_out} not counted" if left_out else ""))
    page.click(page.element("next"))
    page.settle()
    same(page.pixels("#grid .cell:nth-child(5) canvas"), eq7(panel_data(page, 1), "CAWE", 0.3, 0.4), "next film, side by side")
    page.click(page.element("previous"))
    page.picture("CAWE")
    page.click(page.element("reset"))

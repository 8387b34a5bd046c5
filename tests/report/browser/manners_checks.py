# SPDX-License-Identifier: Apache-2.0
"""Figures and their files, colours, keyboard, names, phone, print, speed; and that nothing leaves the page."""
import base64
import http.server
import json
import threading
import time
import xml.dom.minidom

from browser import Page
from expected import eq7, panel_data, same
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys


def check_figures(page, figures, downloads):
    assert len(page.many(".figure")) == len(figures["figures"]) == 5
    for figure in figures["figures"]:
        xml.dom.minidom.parseString(figure["svg"])
        files = {f"{figure['name']}.svg": figure["svg"], f"{figure['name']}.csv": figure["csv"]}
        if figure["other_svg"]:
            xml.dom.minidom.parseString(figure["other_svg"])
            files[figure["other_name"] + ".svg"] = figure["other_svg"]
        for name, text in files.items():
            link = page.one(f"a[download='{name}']")
            assert link.get_attribute("href").startswith("data:")
            page("arguments[0].scrollIntoView({block: 'center'})", link)
            page.click(link)
            path = downloads / name
            page.wait(lambda: path.exists() and path.stat().st_size == len(text.encode()))
            assert path.read_text() == text, name
    assert page("return document.querySelectorAll('.figure image').length") == 5 + 3 + 8
    assert page("""return [...document.querySelectorAll('.figure image')].every(i => {
        const b = i.getBoundingClientRect(); return b.width > 50 && b.height > 50; })""")


def luminance(colour):
    values = [float(v) for v in colour[colour.index("(") + 1:-1].split(",")[:3]]
    linear = [v / 255 / 12.92 if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def check_light_and_dark(page, _):
    grounds = {}
    for scheme in ("light", "dark"):
        page.screen(1300, scheme=scheme)
        grounds[scheme] = luminance(page("return getComputedStyle(document.body).backgroundColor"))
        for selector in ("h1", ".lead", "#results small", ".claims li", ".checklist .authors", ".support.gain", ".support.loss", ".note", "figcaption", ".state",
                         ".banner", ".segment button[aria-pressed=true]", ".segment button[aria-pressed=false]"):
            ink, ground = page("""let e = document.querySelector(arguments[0]); const ink = getComputedStyle(e).color;
                for (; e; e = e.parentElement) { const g = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(g)) return [ink, g]; }""",
                               selector)
            high, low = sorted((luminance(ink), luminance(ground)), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 4.5, (scheme, selector, ink, ground)
    assert grounds["light"] > 0.9 and grounds["dark"] < 0.05, grounds
    page.screen(1300)


def check_keyboard_and_names(page, _):
    nodes = page.cdp("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "slider", "checkbox", "combobox", "listbox", "option", "link", "searchbox", "img", "image", "region", "textbox"}
    for node in nodes:
        role = node.get("role", {}).get("value")
        if not node.get("ignored") and role in roles:
            assert node.get("name", {}).get("value"), node
    assert page("const ids = [...document.querySelectorAll('[id]')].map(e => e.id); return ids.length === new Set(ids).size"), "ids"
    # Everything that can be used is reached by Tab, in the order it is seen.
    page("document.querySelector('.skip').focus()")
    seen = []
    for _ in range(160):
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        seen.append(page("const e = document.activeElement; return e.id || e.dataset.show || e.dataset.denominator || e.tagName"))
        if seen[-1] == "reset":
            break
    wanted = ["filter", "controls", "ci", "images", "log-axis", "bands", "films", "window", "row", "threshold", "alpha", "overlay", "level", "width", "reset"]
    assert [name for name in seen if name in wanted] == wanted, seen
    outline = page("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus is seen"


def check_checklists(page, _):
    """Collapsed at first; open, they fit a phone, and a printed page holds every item."""
    lists = page.many("#checklists details")
    assert len(lists) == 2 and not any(page("return arguments[0].open", d) for d in lists)
    page("document.querySelectorAll('#checklists details').forEach(d => { d.open = true; })")
    rows = "return [...document.querySelectorAll('#checklists tbody tr')].filter(r => r.offsetHeight > 0).length"
    assert page(rows) == 44 + 52
    for width, options in ((360, {"mobile": True}), (1300, {}), (688, {"media": "print"})):
        page.screen(width, **options)
        assert page(rows) == 44 + 52
        outside = page("""return [...document.querySelectorAll('#checklists th, #checklists td')].filter(e => {
            const b = e.getBoundingClientRect(); return b.left < 0 || b.right > arguments[0] || e.scrollWidth > e.clientWidth + 1; }).map(e => e.outerHTML)""",
                       width)
        assert not outside, (width, outside[:3])
    page.screen(1300)
    page("document.querySelectorAll('#checklists details').forEach(d => { d.open = false; })")


def check_width(page, width):
    """Nothing but what scrolls by itself is wider than the screen, be names as long as they may."""
    page.settle()
    outside = page("""const scrolls = e => e && (getComputedStyle(e).overflowX !== 'visible' || scrolls(e.parentElement));
        return [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > arguments[0] + 1 && e.checkVisibility() &&
            !e.closest('svg') && !scrolls(e.parentElement.closest('body *'))).map(e => e.outerHTML.slice(0, 200))""", width)
    assert page("return document.documentElement.scrollWidth") <= width and not outside, (width, "the page may not scroll sideways", outside[:3])


def check_names_of_figure_4(driver, address):
    """Names in its key have room in columns and drawing, whatever the font is, and the page is no wider for them."""
    page = Page(driver, address)
    names = page("""const svg = document.querySelector('.drawing svg'), [, , width, height] = svg.getAttribute('viewBox').split(' ').map(Number);
        return [...svg.querySelectorAll('text')].filter(t => t.getAttribute('y') > 400).map(t => {
            const b = t.getBBox(); return {text: t.textContent, left: b.x - 48, right: b.x + b.width, y: b.y, fits: b.x + b.width <= width && b.y + b.height <= height}; })""")
    assert [n["text"] for n in names] == ["Plain", "CAWE lift", "plain, other seeds (A/A)", "shuffled map, CAWE as a channel (control)"], names
    for name in names:
        assert name["fits"], name
        beside = [n for n in names if n["y"] == name["y"] and n["left"] > name["left"]]
        assert all(name["right"] <= n["left"] for n in beside), (name, beside)
    for width in (360, 800):
        page.screen(width, mobile=width < 400)
        check_width(page, width)
    page.screen(1300)


def check_curve_labels(page, width):
    """No label of the curves' axes lies over another one, and none leaves the screen."""
    over = page("""const seen = t => t.getClientRects().length && getComputedStyle(t).display !== 'none';
        const apart = (a, b) => a.right <= b.left + .5 || b.right <= a.left + .5 || a.bottom <= b.top + .5 || b.bottom <= a.top + .5;
        return [...document.querySelectorAll('.froc .axis-y')].filter(seen).flatMap(label => {
            const b = label.getBoundingClientRect();
            const others = [...label.closest('svg').querySelectorAll('text')].filter(t => t !== label && seen(t));
            return [...others.filter(t => !apart(b, t.getBoundingClientRect())).map(t => t.textContent), ...(b.left < 0 ? ['outside'] : [])]; })""")
    assert page("return document.querySelectorAll('.froc .axis-y').length") > 0 and not over, (width, over)


def check_phone(page, _):
    page.screen(360, mobile=True)
    assert len(page.element("film-title").text) > 50, "a film with a long name"
    check_width(page, 360)
    check_curve_labels(page, 360)
    page.picture("Side by side")
    assert page("return document.documentElement.scrollWidth") <= 360
    assert page("return document.getElementById('window').getBoundingClientRect().right") <= 360
    page.picture("CAWE")
    page("document.getElementById('filter').value = ''")
    small = page("""return [...document.querySelectorAll('button, select, input[type=range], .check')].filter(e => e.offsetParent &&
        e.getBoundingClientRect().height < 16).map(e => e.outerHTML)""")
    assert not small, small
    for width in (600, 1300):
        page.screen(width)
        check_curve_labels(page, width)


def check_print(page, _):
    page.screen(688, media="print")
    gone = page("""return ['#filter', '#alpha', '#films', '.places', '#bands', 'a[download]'].filter(s =>
        [...document.querySelectorAll(s)].some(e => e.offsetParent))""")
    assert not gone, gone
    assert page("return document.getElementById('results').scrollWidth") <= 688, "the table fits a page"
    assert luminance(page("return getComputedStyle(document.body).backgroundColor")) == 1
    page.screen(1300)
    pdf = base64.b64decode(page.cdp("Page.printToPDF", printBackground=True)["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 50000


def check_nothing_leaves(page, _):
    hits = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            hits.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass
    # With threads: a browser may open a connection in advance and say nothing, for which one without would wait for ever.
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    requests, errors = [], []
    for entry in page.driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            requests.append(message["params"]["request"]["url"])
    outside = [url for url in requests if url.split("#")[0] != page.address and not url.startswith("data:")]
    assert requests and not outside, outside
    errors = [e["message"] for e in page.driver.get_log("browser") if e["level"] == "SEVERE"]
    assert not errors, errors
    # Even a script in the page could not: every way out is refused by the policy.
    refused = page.driver.execute_async_script("""const done = arguments[1], at = arguments[0], refused = [];
      document.addEventListener('securitypolicyviolation', e => refused.push(e.effectiveDirective));
      fetch(at + '/fetch').catch(() => 0);
      new Image().src = at + '/image';
      document.head.append(Object.assign(document.createElement('link'), {rel: 'stylesheet', href: at + '/style'}));
      document.head.append(Object.assign(document.createElement('script'), {src: at + '/script'}));
      document.body.append(Object.assign(document.createElement('iframe'), {src: at + '/frame'}));
      setTimeout(() => done(refused), 500);""", f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    assert not hits, hits
    assert len(refused) >= 5, refused


def check_large(driver, address):
    """200 films of 18 rows: quick to open, to turn the pages and to slide."""
    began = time.monotonic()
    page = Page(driver, address)
    opened = time.monotonic() - began
    assert page("return document.querySelectorAll('#films li').length") == 200
    drawn = page("return document.querySelectorAll('#films canvas[data-drawn]').length")
    assert drawn < 60, "pictures far down the list wait"
    began = time.monotonic()
    page.element("films").send_keys(Keys.END)
    page.settle()
    turned = time.monotonic() - began
    same(page.pixels(), eq7(panel_data(page, 199), "CAWE", 0.5), "the last film")
    began = time.monotonic()
    for k in range(20):
        page.slide("alpha", k / 20)
    slid = (time.monotonic() - began) / 20
    page.wait(lambda: page("return document.querySelector('#film-199 canvas').dataset.drawn") == "true")
    print(f"   200 films: opened in {opened:.2f} s, film 200 after {turned:.2f} s, {1000 * slid:.0f} ms a step of alpha")
    assert opened < 10 and turned < 2 and slid < 0.5, (opened, turned, slid)

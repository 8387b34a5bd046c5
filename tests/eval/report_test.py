#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Opens the made-up report in Chromium and uses it: usage report_test.py SAMPLE_PROGRAM.

Sliders and the window must move pixels, the table must sort, curves must switch, and nothing may leave the page.
Exits 77 (skipped) where Chromium or Selenium is absent.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

REQUIRED = os.environ.get("CAWE_REQUIRE_BROWSER") == "1"


def skip(why):
    print(f"{'FAILED' if REQUIRED else 'SKIPPED'}: {why}; install chromium, chromium-driver, python3-selenium", file=sys.stderr)
    sys.exit(1 if REQUIRED else 77)


try:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    skip("no Selenium")


def find(*names):
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        for name in names:
            if os.access(os.path.join(folder, name), os.X_OK):
                return os.path.join(folder, name)
    return None


def open_browser():
    browser, driver = find("chromium", "chromium-browser", "google-chrome"), find("chromedriver")
    if not browser or not driver:
        skip("no Chromium")
    options = Options()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--window-size=1280,1000", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    try:
        return webdriver.Chrome(service=Service(driver), options=options)
    except WebDriverException as error:
        skip(f"Chromium does not start ({str(error).splitlines()[0]})")


class Page:
    def __init__(self, driver, address):
        self.driver = driver
        driver.get(address)
        WebDriverWait(driver, 20).until(lambda d: d.execute_script("return document.documentElement.dataset.ready") == "true")

    def __call__(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def settle(self):
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30)))")

    def picture(self):
        """Mean brightness and a fingerprint of the canvas."""
        self.settle()
        return self("""const c = document.getElementById('picture');
          const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
          let sum = 0, hash = 0;
          for (let i = 0; i < d.length; i += 4) { sum += d[i]; hash = (hash * 31 + d[i] + 7 * d[i + 1] + 13 * d[i + 2]) | 0; }
          return [sum / (d.length / 4), hash];""")

    def pixel(self, x, y):
        self.settle()
        return self("return [...document.getElementById('picture').getContext('2d').getImageData(arguments[0], arguments[1], 1, 1).data]", x, y)

    def slide(self, name, value):
        self("const e = document.getElementById(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('input', {bubbles: true}))",
             name, value)
        self.settle()

    def boxes(self, kind):
        self.settle()
        return self("return document.querySelectorAll('#boxes rect.' + arguments[0]).length", kind)

    def element(self, name):
        return self.driver.find_element(By.ID, name)


def check_alpha(page):
    page.slide("alpha", 1)
    plain, plain_pixel = page.picture(), page.pixel(2, 2)
    page.slide("alpha", 0)
    dark, dark_pixel = page.picture(), page.pixel(2, 2)
    page.slide("alpha", 0.5)
    half_pixel = page.pixel(2, 2)
    assert dark[0] < plain[0] - 5, (plain, dark)
    # Far from the lesion the map is near 0: I (alpha + (1 - alpha) L) is near alpha I.
    assert abs(half_pixel[0] - (plain_pixel[0] + dark_pixel[0]) / 2) <= 1, (plain_pixel, half_pixel, dark_pixel)
    before = page.picture()
    page.element("alpha").send_keys(Keys.ARROW_RIGHT)
    assert page.picture()[1] != before[1], "the slider must answer the keyboard"


def check_threshold(page):
    page.slide("threshold", 0)
    many = page.boxes("hit") + page.boxes("miss")
    page.slide("threshold", 0.5)
    some = page.boxes("hit") + page.boxes("miss")
    page.slide("threshold", 1)
    assert many > some >= page.boxes("hit") + page.boxes("miss") == 0, (many, some)
    assert "sensitivity 0.000" in page.element("state").text
    page.slide("threshold", 0.5)
    assert page.boxes("truth") == 2
    page.element("show-truth").click()
    assert page.boxes("truth") == 0
    page.element("show-truth").click()


def check_window(page):
    before = page.picture()
    stage = page.element("window")
    ActionChains(page.driver).move_to_element(stage).click_and_hold().move_by_offset(0, 120).release().perform()
    dragged = page.picture()
    assert dragged[0] < before[0] - 5, "a higher level darkens the picture"
    stage.send_keys(Keys.HOME)
    assert page.picture()[1] == before[1]
    stage.send_keys(Keys.ARROW_LEFT)
    assert page.picture()[1] != before[1]
    page.element("reset").click()


def check_overlay_and_panels(page):
    def colourful():
        return page("""const c = document.getElementById('picture');
          const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
          let n = 0; for (let i = 0; i < d.length; i += 4) n += d[i] !== d[i + 2]; return n;""")
    page.settle()
    assert colourful() == 0
    page.element("overlay").click()
    page.settle()
    assert colourful() > 1000, "the map is shown in colour"
    page.element("overlay").click()
    first = page.picture()
    page.element("next").click()
    WebDriverWait(page.driver, 5).until(lambda d: page.picture()[1] != first[1])
    page.element("previous").click()
    WebDriverWait(page.driver, 5).until(lambda d: page.picture()[1] == first[1])


def check_table(page):
    def column(k):
        return page("return [...document.querySelectorAll('#results tbody tr')].map(r => r.cells[arguments[0]].dataset.sort)", k)
    original = column(0)
    button = page.driver.find_elements(By.CSS_SELECTOR, "#results thead button")[1]
    button.click()
    falling = [float(v) for v in column(1)]
    assert falling == sorted(falling, reverse=True) and len(falling) == 8
    button.send_keys(Keys.ENTER)
    rising = [float(v) for v in column(1)]
    assert rising == sorted(rising)
    button.click()
    assert column(0) == original, "the third click gives the first order back"
    delta = page.driver.find_elements(By.CSS_SELECTOR, "#results thead button")[6]
    delta.click()
    assert column(6)[-2:] == ["", ""], "baselines have no difference and come last"
    delta.click()
    delta.click()
    shown = "return getComputedStyle(document.querySelector('#results .diff')).display"
    assert page(shown) == "none"
    page.driver.find_element(By.CSS_SELECTOR, "[data-show=diff]").click()
    assert page(shown) == "block"
    page.driver.find_element(By.CSS_SELECTOR, "[data-show=neg]").click()
    assert page(shown) == "none"
    assert page("return getComputedStyle(document.querySelector('#results .neg')).display") == "block"


def check_curves(page):
    box = page.driver.find_element(By.CSS_SELECTOR, ".chart .legend input")
    marks = "return document.querySelectorAll('.chart')[0].querySelectorAll('.marks circle').length"
    before = page(marks)
    box.click()
    assert page("return document.querySelector('.chart .series').classList.contains('off')")
    assert page(marks) == before - 1
    box.click()
    visible = "return [...document.querySelectorAll('.chart .line')].filter(e => getComputedStyle(e).display !== 'none').map(e => e.classList.contains('neg'))"
    assert page(visible) == [False] * 8
    page.driver.find_element(By.CSS_SELECTOR, "[data-denominator=negatives]").click()
    assert page(visible) == [True] * 8
    page.driver.find_element(By.CSS_SELECTOR, "[data-denominator=images]").click()
    svg = page.driver.find_element(By.CSS_SELECTOR, ".chart svg")
    page("arguments[0].scrollIntoView({block: 'center'})", svg)
    page.settle()
    ActionChains(page.driver).move_to_element(svg).perform()
    text = page.driver.find_element(By.CSS_SELECTOR, ".chart .readout").text
    assert "false positives per image" in text and "plain" in text, text


def check_phone_and_requests(page, address):
    page.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True})
    assert page("return document.documentElement.scrollWidth") <= 360, "the page may not scroll sideways on a phone"
    outside = []
    for entry in page.driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            if url != address and not url.startswith("data:"):
                outside.append(url)
    assert not outside, outside
    errors = [e["message"] for e in page.driver.get_log("browser") if e["level"] == "SEVERE"]
    assert not errors, errors


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "report.html"
        subprocess.run([sys.argv[1], str(path)], check=True)
        driver = open_browser()
        try:
            page = Page(driver, path.as_uri())
            for check in (check_alpha, check_threshold, check_window, check_overlay_and_panels, check_table, check_curves):
                check(page)
                print("ok", check.__name__)
            check_phone_and_requests(page, path.as_uri())
            print("ok check_phone_and_requests")
        finally:
            driver.quit()


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""A page in Chromium for tests: opens it, waits for it, reads its canvases; skips where there is no browser."""
import os
import sys

REQUIRED = os.environ.get("CAWE_REQUIRE_BROWSER") == "1"


def skip(why):
    print(f"{'FAILED' if REQUIRED else 'SKIPPED'}: {why}; install chromium, chromium-driver, python3-selenium", file=sys.stderr)
    sys.exit(1 if REQUIRED else 77)


try:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError:
    skip("no Selenium")


def find(*names):
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        for name in names:
            if os.access(os.path.join(folder, name), os.X_OK):
                return os.path.join(folder, name)
    return None


def open_browser(downloads):
    browser, driver = find("chromium", "chromium-browser", "google-chrome"), find("chromedriver")
    if not browser or not driver:
        skip("no Chromium")
    options = Options()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--window-size=1300,1000", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    try:
        driver = webdriver.Chrome(service=Service(driver), options=options)
    except WebDriverException as error:
        skip(f"Chromium does not start ({str(error).splitlines()[0]})")
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": downloads})
    return driver


class Page:
    """The report, open. Calling it runs a script's body and returns what that returns."""

    def __init__(self, driver, address):
        self.driver, self.address = driver, address
        driver.get(address)
        self.wait(lambda: self("return document.documentElement.dataset.ready") == "true")

    def __call__(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def cdp(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def wait(self, condition, seconds=20):
        WebDriverWait(self.driver, seconds, poll_frequency=0.05).until(lambda _: condition())

    def settle(self):
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30)))")

    def element(self, name):
        return self.driver.find_element(By.ID, name)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def many(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def click(self, element):
        """As a person would, with the element away from the bar that sticks to the top."""
        self("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def pixels(self, selector="#picture"):
        """Width, height and the RGB bytes of a canvas."""
        self.settle()
        width, height, text = self("""const c = document.querySelector(arguments[0]);
          const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
          let s = ''; for (let i = 0; i < d.length; ++i) if (i % 4 !== 3) s += String.fromCharCode(d[i]);
          return [c.width, c.height, btoa(s)];""", selector)
        import base64
        return width, height, base64.b64decode(text)

    def slide(self, name, value):
        self("const e = document.getElementById(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('input', {bubbles: true}))",
             name, value)
        self.settle()

    def choose(self, name, value):
        self("const e = document.getElementById(arguments[0]); e.value = arguments[1]; e.dispatchEvent(new Event('change', {bubbles: true}))",
             name, value)
        self.settle()

    def picture(self, name):
        """Shows the picture of this name."""
        self("[...document.querySelectorAll('#pictures button')].find(b => b.textContent === arguments[0]).click()", name)
        self.settle()

    def boxes(self, kind, where="#boxes"):
        self.settle()
        return self("return document.querySelector(arguments[0]).querySelectorAll('rect.' + arguments[1]).length", where, kind)

    def screen(self, width, mobile=False, scheme="light", media="screen"):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=mobile)
        self.cdp("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.settle()

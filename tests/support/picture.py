"""Take the picture of the report that README.md shows: `make picture`, after a run, with Chromium on the machine.

The picture is the first screen of metrics/report/index.html.
"""

import sys
from pathlib import Path

from selenium.webdriver.support.ui import WebDriverWait

from tests.support.browser import chromium

SIZE = (1280, 800)
LARGEST = 200_000  # bytes
DRAWN = "return document.querySelector('.top [aria-current]') !== null"


def take(page: Path, into: Path) -> int:
    """Write the first screen of `page` as a PNG file to `into`; return its size in bytes."""
    with chromium(*SIZE) as browser:
        size = {"width": SIZE[0], "height": SIZE[1], "deviceScaleFactor": 1, "mobile": True}  # without a scroll bar
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        browser.get(page.resolve().as_uri())
        WebDriverWait(browser, 20).until(lambda one: one.execute_script(DRAWN))
        browser.save_screenshot(str(into))
    return into.stat().st_size


if __name__ == "__main__":
    print(f"{sys.argv[2]}: {take(Path(sys.argv[1]), Path(sys.argv[2])):,} bytes")

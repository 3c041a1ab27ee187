"""Take the picture of the report that README.md shows: `make picture`, after a run, with Chromium on the machine.

The picture is the first screen of metrics/report/index.html. Its file also holds, as PNG text, the layout of the first
screen of a page of made figures by the same code. A test makes that page again: if it is laid out otherwise, or has
other names or colours, the report no longer looks as in the picture. What a run measured does not count.
"""

import json
import struct
import sys
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.support.ui import WebDriverWait

from tests.support import lines
from tests.support.browser import chromium
from tests.support.pages import written

SIZE = (1280, 800)
LARGEST = 200_000  # bytes
NEAR = 24  # pixels by which a box may differ: fonts and versions of Chromium do
KEY = b"layout"
DRAWN = "return document.querySelector('.top [aria-current]') !== null"
LAYOUT = """
const named = '.top a, h2, h3, .facts dt, .legend > *';
const boxes = document.querySelectorAll(`.top, h1, .rest, .facts, .two, .two > div, .two svg, ${named}`);
const marks = svg => [...new Set([...svg.querySelectorAll('*')].map(one => [one, getComputedStyle(one)])
  .map(([one, style]) => `${one.tagName} ${style.fill} ${style.stroke} ${style.fontSize}`))].sort();
return [...boxes].map(one => [one, one.getBoundingClientRect(), getComputedStyle(one)])
  .filter(([one, box]) => box.height > 0 && box.top < innerHeight)
  .map(([one, box, style]) => ({
    what: one.tagName.toLowerCase() + (one.matches(named) ? ': ' + one.textContent.trim() : ''),
    box: [box.left, box.top, box.width, box.height].map(Math.round),
    look: [style.color, style.backgroundColor, style.fontSize, style.fontWeight]
      .concat(one.tagName === 'svg' ? marks(one) : []),
  }));
"""


def show(browser: Chrome, page: Path) -> None:
    """Open a page in a window of the picture's size, in light colours, without a scroll bar."""
    light = {"media": "", "features": [{"name": "prefers-color-scheme", "value": "light"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", light)
    size = {"width": SIZE[0], "height": SIZE[1], "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.resolve().as_uri())
    WebDriverWait(browser, 20).until(lambda one: one.execute_script(DRAWN))


def layout(browser: Chrome, folder: Path) -> list[dict[str, Any]]:
    """Names, boxes, colours and letters of the first screen of a page of made figures, written below `folder`."""
    show(browser, written(lines.write(folder, prompts=40)))
    found: list[dict[str, Any]] = browser.execute_script(LAYOUT)
    return found


def apart(recorded: list[dict[str, Any]], now: list[dict[str, Any]]) -> list[str]:
    """What a reader would see: names that come or go, boxes that moved, other colours or letters."""
    names, others = [one["what"] for one in recorded], [one["what"] for one in now]
    if names != others:
        return [f"now {others}, then {names}"]
    return [
        f"{one['what']}: {other['box']} {other['look']}, was {one['box']} {one['look']}"
        for one, other in zip(recorded, now, strict=True)
        if one["look"] != other["look"] or any(abs(a - b) > NEAR for a, b in zip(one["box"], other["box"], strict=True))
    ]


def with_text(png: bytes, text: str) -> bytes:
    """Put a text chunk before the last chunk of a PNG file, which is its end."""
    chunk = b"tEXt" + KEY + b"\0" + text.encode("ascii")
    return png[:-12] + struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) + png[-12:]


def text(png: bytes) -> str:
    """Return the text of `with_text`."""
    at = png.index(b"tEXt" + KEY)
    (size,) = struct.unpack(">I", png[at - 4 : at])
    return png[at + 4 : at + 4 + size].partition(b"\0")[2].decode("ascii")


def take(page: Path, into: Path) -> int:
    """Write the first screen of `page` as a PNG file to `into`; return its size in bytes."""
    with chromium(*SIZE) as browser, TemporaryDirectory() as folder:
        show(browser, page)
        png = browser.get_screenshot_as_png()
        into.write_bytes(with_text(png, json.dumps(layout(browser, Path(folder)))))
    return into.stat().st_size


if __name__ == "__main__":
    print(f"{sys.argv[2]}: {take(Path(sys.argv[1]), Path(sys.argv[2])):,} bytes")

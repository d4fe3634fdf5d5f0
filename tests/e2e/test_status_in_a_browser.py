"""The page of `status --html` in a real browser: seen, heard, printed."""

import base64
import os
import pathlib
import re

import pytest

from support.chromium import PATH, Chromium
from test_status_forms import (HOSTILE, Renewer, away, empty, entered, expired,
                               minute)
from test_status_page import FILL

pytestmark = pytest.mark.skipif(not PATH, reason="no chromium")

# Of every text that shows: the contrast to what is behind it.
CONTRASTS = """
(() => {
  const part = v => (v /= 255) <= 0.04045 ? v / 12.92
                                          : ((v + 0.055) / 1.055) ** 2.4;
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) =>
      0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, s = getComputedStyle(e);
    if (!walk.currentNode.data.trim() || s.visibility != 'visible'
        || !e.getClientRects().length) continue;
    const a = light(parse(e.closest('svg') ? s.fill : s.color));
    const b = light(behind(e));
    found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05),
                e.tagName + ' ' + walk.currentNode.data.slice(0, 30)]);
  }
  return found.sort((x, y) => x[0] - y[0]).slice(0, 3);
})()
"""


def fine(renewer):
    entered(renewer)
    renewer.database.execute(FILL)


def hostile(renewer):
    entered(renewer, failed=HOSTILE)
    minute(renewer, host=HOSTILE + "<b>\u05d0\u05d1", spool=5000)
    minute(renewer, host='"><img src=//example.com>' + "y" * 175)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture
def pages(folder, database, double, tmp_path):
    """A function that makes the page of a situation; its URL."""
    def make(situation):
        renewer = Renewer(folder, double, database,
                          notification_url="https://calls.example.com/callhook")
        renewer.add("contoso")
        situation(renewer)
        path = tmp_path / f"{situation.__name__}.html"
        path.write_text(renewer.run("status", "--html").stdout)
        return path.as_uri()

    return make


def keep(browser, name):
    """A picture, for CALLHOOK_TEST_PICTURES."""
    folder = os.environ.get("CALLHOOK_TEST_PICTURES")
    if folder:
        width, height = browser.evaluate(
            "[innerWidth, document.documentElement.scrollHeight]")
        browser.ask("Emulation.setDeviceMetricsOverride", width=width,
                    height=height, deviceScaleFactor=1, mobile=False)
        taken = browser.ask("Page.captureScreenshot")
        path = pathlib.Path(folder) / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(taken["data"]))


@pytest.mark.parametrize("situation", [fine, empty, expired, away, hostile],
                         ids=lambda value: value.__name__)
def test_it_is_seen(browser, pages, situation):
    """Light, dark and on a phone: silent, legible, as wide as the screen."""
    url = pages(situation)
    for width, dark in ((1200, False), (1200, True), (360, False)):
        browser.open(url, width=width, dark=dark)
        keep(browser, f"{situation.__name__}-{width}-{'dark' * dark}")
        assert browser.evaluate(
            "document.documentElement.scrollWidth") <= width
        for contrast, text in browser.evaluate(CONTRASTS):
            assert contrast >= 4.5, text
        requests = [event["request"]["url"]
                    for event in browser.told("Network.requestWillBeSent")]
        assert requests == [url]
        for event in ("Log.entryAdded", "Runtime.consoleAPICalled",
                      "Runtime.exceptionThrown"):
            assert browser.told(event) == []


def test_it_is_heard_and_reached_by_keys(browser, pages):
    browser.open(pages(fine))
    tree = browser.ask("Accessibility.getFullAXTree")["nodes"]
    names = [node["name"]["value"] for node in tree
             if not node["ignored"] and node["role"]["value"] in (
                 "image", "img")]
    charts = browser.evaluate("document.querySelectorAll('figure svg').length")
    assert len(names) == charts == 9
    assert all(re.search(": highest [0-9]", name) for name in names)
    browser.evaluate("document.querySelectorAll('details')"
                     ".forEach(d => d.open = true)")
    reached = set()
    for _ in range(2 * charts + 2):
        for kind in ("keyDown", "keyUp"):
            browser.ask("Input.dispatchKeyEvent", type=kind, key="Tab",
                        code="Tab", windowsVirtualKeyCode=9)
        reached.add(browser.evaluate(
            "(document.activeElement.getAttribute('aria-label') || '')"))
    assert len(reached - {""}) == charts


def test_it_is_printed_on_two_pages(browser, pages):
    browser.open(pages(fine))
    pdf = base64.b64decode(browser.ask(
        "Page.printToPDF", paperWidth=8.27, paperHeight=11.69)["data"])
    assert len(re.findall(rb"/Type */Page\b", pdf)) in (1, 2)


def test_it_shows_its_age(browser, pages):
    """After 10 minutes, or at once where the next look finds the same."""
    url = pages(fine)
    is_old = "getComputedStyle(document.querySelector('.old')).visibility"
    browser.open(url)
    assert browser.evaluate(is_old) == "hidden"
    refresh = browser.evaluate(
        "document.querySelector('[http-equiv=refresh]').content")
    seconds, where = refresh.split(";url=")
    assert int(seconds) <= 600
    browser.evaluate("document.getAnimations().forEach("
                     "a => { a.currentTime = 598000 })")
    assert browser.evaluate(is_old) == "hidden"
    browser.evaluate("document.getAnimations().forEach("
                     "a => { a.currentTime = 602000 })")
    assert browser.evaluate(is_old) == "visible"
    browser.open(url + where)
    browser.evaluate("document.getAnimations().forEach("
                     "a => { a.currentTime = 2000 })")
    assert browser.evaluate(is_old) == "visible"
    browser.open(url + re.sub("[0-9]+", "1", where))    # another making
    browser.evaluate("document.getAnimations().forEach("
                     "a => { a.currentTime = 2000 })")
    assert browser.evaluate(is_old) == "hidden"

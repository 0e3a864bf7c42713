"""The report in Debian's Chromium with the network off: complete, nothing asked for, nothing wider than the page."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from migration.reports import pack
from tests.unit.reports.material_kit import material

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
WIDTHS = {"desk": 1280, "tablet": 800, "A4": 718}
"""A4: what is left of a sheet between our margins, at 96 dots an inch."""


@pytest.fixture(scope="module")
def chromium():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as found:
        browser = found.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser
        browser.close()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_opens_offline_and_nothing_runs_over(chromium, tmp_path, language, width):
    document = material()
    written = pack.write(document, tmp_path, language)
    context = chromium.new_context(offline=True, viewport={"width": WIDTHS[width], "height": 1000})
    page = context.new_page()
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda said: complaints.append(said.text))
    if width == "A4":
        page.emulate_media(media="print")
    page.goto(written.html.as_uri())
    page.screenshot(
        path=Path(os.environ.get("CUTOVER_SHOTS", tmp_path)) / f"report-{language}-{width}.png", full_page=True
    )
    assert asked == [written.html.as_uri()]
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    if width != "tablet":
        wide = "[...document.querySelectorAll('.wrap, svg')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
        assert page.evaluate(wide) == 0
    sections = [section.id for section in pack.build(document, language).sections]
    assert page.evaluate("[...document.querySelectorAll('section')].map(e => e.id)") == sections
    assert page.evaluate("[...document.querySelectorAll('svg text')].every(e => e.getBBox().width > 0)")
    context.close()

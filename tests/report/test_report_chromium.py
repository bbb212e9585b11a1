"""The page in a real browser, from a file: quiet console, no request, nothing outside the page, both schemes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from harm_builder import harm
from playwright.sync_api import Browser, Page
from results_builder import bench, results

from secateur.records import Results
from secateur.report.draw import write_report
from secateur.report.figures import figures
from secateur.report.story import tell

HERE = Path(__file__).parent
LEAVES = """(width) => [...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  const text = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
  if (!(text || e.tagName === 'svg') || !box.width || !box.height) return false;
  if (e.closest('.scroll, .skip, .hidden, #vg-tooltip-element')) return false;
  return box.left < -0.5 || box.right > width + 0.5;
}).map(e => e.tagName + ': ' + e.textContent.slice(0, 60))"""
CUT = """() => [...document.querySelectorAll('.chart svg text')].filter(t => {
  const box = t.getBoundingClientRect(), svg = t.ownerSVGElement.getBoundingClientRect();
  return box.width && (box.left < svg.left - 1 || box.right > svg.right + 1
    || box.top < svg.top - 1 || box.bottom > svg.bottom + 1);
}).map(t => t.textContent)"""
CONTRAST = """() => {
  const paint = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const light = (css) => {
    paint.clearRect(0, 0, 1, 1); paint.fillStyle = css; paint.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const page = light(getComputedStyle(document.body).backgroundColor);
  const ratio = (css) => {
    const own = light(css);
    return (Math.max(own, page) + 0.05) / (Math.min(own, page) + 0.05);
  };
  const all = [...document.querySelectorAll('p, li, td, th, h1, h2, h3, h4, small, a, summary')]
    .filter(e => e.getBoundingClientRect().width && !e.closest('.matrix'));
  const charts = [...document.querySelectorAll('.chart svg text')];
  return {
    page, counted: all.length, labels: charts.length,
    worst: Math.min(...all.map(e => ratio(getComputedStyle(e).color)),
      ...charts.map(e => ratio(getComputedStyle(e).fill))),
  };
}"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, vega_js: str) -> Path:
    folder = tmp_path_factory.mktemp("report")
    published = tomllib.loads((HERE / "published.toml").read_text(encoding="utf-8"))["published"]
    write_report(full(published=published), folder, vega_js)
    return folder / "report.html"


def full(**changes: Any) -> Results:
    """With all that a study may have."""
    return results(harm=(harm(),), benches=(bench(results()),), **changes)


def opened(browser: Browser, report: Path, heard: list[str], width: int, scheme: Any = "light") -> Page:
    """The page, its charts drawn; `heard` collects whatever it says, asks for or throws."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.on("console", lambda m: heard.append(f"{m.type}: {m.text}"))
    page.on("pageerror", lambda e: heard.append(f"thrown: {e}"))
    page.on("dialog", lambda d: (heard.append(f"dialog: {d.message}"), d.dismiss()))
    page.on("request", lambda r: heard.append(f"request: {r.url[:80]}") if r.url != report.as_uri() else None)
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-charts=drawn]", timeout=60_000)
    return page


def until(page: Page, condition: str) -> None:
    """Wait until it holds; playwright's own wait needs eval, which the page's policy refuses."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never came to hold: {condition}")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_whole_page(browser: Browser, report: Path, width: int, scheme: str) -> None:
    heard: list[str] = []
    page = opened(browser, report, heard, width, scheme)
    assert page.locator(".chart svg").count() == len(figures(tell(full())))
    for state in ("as it opens", "all unfolded"):
        if state == "all unfolded":
            page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, state
        assert page.evaluate(LEAVES, width) == [], state
        assert page.evaluate(CUT) == [], state
    seen = page.evaluate(CONTRAST)
    assert seen["counted"] > 300 and seen["labels"] > 100
    assert (seen["page"] < 0.05) == (scheme == "dark")
    assert seen["worst"] >= 4.5  # WCAG 2.2, 1.4.3
    assert heard == []
    page.context.close()


def test_the_main_table_fits_a_desktop_window(browser: Browser, report: Path) -> None:
    page = opened(browser, report, [], 1280)
    overflow = "e => e.scrollWidth - e.clientWidth"
    assert page.locator("[aria-label='Table of all networks']").evaluate(overflow) <= 0
    page.context.close()


def test_a_tooltip_shows_a_hostile_class_as_text(browser: Browser, report: Path) -> None:
    heard: list[str] = []
    page = opened(browser, report, heard, 1280)
    point = page.locator("[data-chart=recall] .mark-symbol path[aria-label*='<script>alert']").first
    point.scroll_into_view_if_needed()
    point.hover()
    tooltip = page.locator("#vg-tooltip-element.visible")
    tooltip.wait_for(timeout=10_000)
    assert "<script>alert(1)</script>" in tooltip.inner_text()
    assert tooltip.locator("script").count() == 0
    assert heard == []
    page.context.close()


def test_charts_follow_the_window(browser: Browser, report: Path) -> None:
    page = opened(browser, report, [], 1280)
    page.set_viewport_size({"width": 390, "height": 900})
    until(page, "document.querySelector('[data-chart=recall] svg').getBoundingClientRect().width < 390")
    assert page.evaluate(LEAVES, 390) == []
    page.context.close()


def test_can_be_used_with_the_keyboard(browser: Browser, report: Path) -> None:
    page = opened(browser, report, [], 390)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#models"
    page.set_viewport_size({"width": 120, "height": 900})  # on any real screen nothing scrolls sideways
    scroll = page.locator("[aria-label='Confusion matrix of dense longer']")
    scroll.focus()
    page.keyboard.press("ArrowRight")
    until(page, "document.querySelector('[aria-label=\"Confusion matrix of dense longer\"]').scrollLeft > 0")
    fold = page.locator("details", has=page.get_by_text("Sizes, sparsity and work in full")).first
    fold.locator("summary").focus()
    page.keyboard.press("Enter")
    assert fold.evaluate("e => e.open") is True
    page.context.close()


def test_one_seed_without_comparisons(browser: Browser, vega_js: str, tmp_path: Path) -> None:
    write_report(results(seeds=(0,), comparisons=(), choices=()), tmp_path, vega_js)
    heard: list[str] = []
    page = opened(browser, tmp_path / "report.html", heard, 390)
    assert page.evaluate(LEAVES, 390) == []
    assert heard == []
    page.context.close()


def test_nothing_finished(browser: Browser, vega_js: str, tmp_path: Path) -> None:
    write_report(results(models=(), summaries=(), choices=(), comparisons=()), tmp_path, vega_js)
    heard: list[str] = []
    page = opened(browser, tmp_path / "report.html", heard, 390)
    assert page.locator("h1").inner_text().startswith("Cannot tell")
    assert heard == []
    page.context.close()

"""Every table of the report on four screens, with class names and ids as long as real ones: nothing is cut off, nothing
is scrolled sideways but a matrix of many classes, and what decides is in sight."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from harm_builder import harm
from playwright.sync_api import Browser, Page
from pydantic import TypeAdapter
from results_builder import CLASSES, bench, results

from secateur.records import Results
from secateur.report.draw import write_report

WIDTHS = (390, 768, 1280, 1920)
LONG = (
    "Donaudampfschifffahrtsgesellschaftskapitän im Ruhestand, ♀ adult",
    "Rotfuchs (Vulpes vulpes crucigera), Jungtier mit Füchsin",
    "pipistrello-ferro-di-cavallo-mediterraneo-femmina-adulta",
    "<script>alert(1)</script> & Wildschweine",
    "nicht-identifizierbares_Säugetier_mittelgroß_Infrarotbild",
    "Kaninchen",
    "Eichhörnchenkobelinspektionsbeauftragter",
    "Capriolo europeo (Capreolus capreolus) maschio sub-adulto",
    "x" * 60,
    "Wildschwein Überläufer",
)
IDS = {
    "filter-l1": "filter-taylor-params-sensitivity-units-normalise-none",
    "filter-random": "filter-random-params-sensitivity-like-filter-taylor-units-normalise-none",
    "magnitude-gradual": "magnitude-gradual-global",
    "cnn": "mobilenetv4_conv_small_050.e3000_r224_in1k",
}
FAULTS = """(width) => {
  const found = [], where = (e) => e.closest('[aria-label]').getAttribute('aria-label');
  if (document.documentElement.scrollWidth > width) found.push('the page is wider than the screen');
  for (const box of document.querySelectorAll('.scroll:not(:has(.matrix))'))
    if (box.scrollWidth > box.clientWidth + 1) found.push('scrolls sideways: ' + where(box));
  for (const cell of document.querySelectorAll('.scroll td, .scroll th')) {
    const head = cell.closest('thead'), box = cell.getBoundingClientRect(), text = cell.textContent.trim().slice(0, 40);
    if (!box.width || (head && getComputedStyle(head).clipPath !== 'none')) continue;
    if (cell.scrollWidth > cell.clientWidth + 1) found.push('cut off in its cell: ' + where(cell) + ': ' + text);
    if (!cell.closest('.matrix') && (box.left < -1 || box.right > width + 1))
      found.push('outside: ' + where(cell) + ': ' + text);
  }
  return found;
}"""
DECIDES = """(width) => [...document.querySelectorAll('table.models > tbody > tr')].map(row => {
  const seen = (e) => { const b = e.getBoundingClientRect(); return b.width > 10 && b.left >= 0 && b.right <= width; };
  const cells = [...row.querySelectorAll('td')].filter(seen);
  return {
    name: seen(row.querySelector('th')),
    file: cells.some(c => c.dataset.label === 'ONNX file' && /[kM]B/.test(c.textContent)),
    verdict: cells.some(c => c.dataset.label === 'Verdict' && c.textContent.trim()),
  };
})"""


def long_names() -> Results:
    """The study of the builder, with names that people and programs really give."""
    kept = results(harm=(harm(),), benches=(bench(results()),))
    names = dict(zip(CLASSES, LONG, strict=True))

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: renamed(v) for key, v in value.items()}
        if isinstance(value, list):
            return [renamed(v) for v in value]
        if not isinstance(value, str):
            return value
        parts = [IDS.get(part, part) for part in names.get(value, value).split("/")]
        first, *more = "/".join(parts).split(" ", 1)
        return " ".join([IDS.get(first, first), *more])

    plain = renamed(json.loads(TypeAdapter(Results).dump_json(kept)))
    return TypeAdapter(Results).validate_json(json.dumps(plain))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, vega_js: str) -> Path:
    folder = tmp_path_factory.mktemp("long")
    write_report(long_names(), folder, vega_js)
    return folder / "report.html"


@pytest.fixture(scope="module")
def page(browser: Browser, report: Path) -> Any:
    found = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    found.goto(report.as_uri())
    found.wait_for_selector("html[data-charts=drawn]", timeout=60_000)
    found.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    yield found
    found.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_no_cell_is_cut_off_and_what_decides_is_in_sight(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.locator(".scroll td").count() > 1000
    assert page.evaluate(FAULTS, width) == []
    rows = page.evaluate(DECIDES, width)
    assert len(rows) == 22 and all(all(row.values()) for row in rows)


def test_names_are_short_and_ids_in_their_titles(page: Page) -> None:
    control = page.locator("table.models th span[title*='like-filter-taylor']").first
    assert control.inner_text() == "random, same widths 30\u202f% of parameters"
    assert control.get_attribute("title") == f"{IDS['cnn']}/{IDS['filter-random']}/0.3"
    assert "like-filter-taylor" not in page.locator("main").inner_text().split("How it was made")[0]


@pytest.mark.parametrize("width", [390, 768])
def test_a_card_says_the_header_of_each_cell_and_keeps_its_roles(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    table = page.locator("[aria-label='All comparisons'] table")
    said = table.locator("tbody tr").first.evaluate("r => [...r.children].map(c => c.dataset.label)")
    assert said[1:4] == ["Difference, points", "Difference, points", "Verdict"]
    assert table.get_attribute("role") == "table"
    times = page.locator("[aria-label^='Time and memory'] tbody tr").first.locator("td")
    assert times.first.get_attribute("data-label") == "1 thread, median"

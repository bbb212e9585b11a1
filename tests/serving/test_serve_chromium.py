"""The page in a real browser, over a real server: photos chosen, dropped, pasted; what is no photo; phone and dark."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile import good, no_photos
from playwright.sync_api import Browser, Page
from serving_process import Server, serving

from secateur.report.formats import size

OUTSIDE = """(width) => [...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  if (!box.width || !box.height || e.closest('.scroll, .skip, .hidden')) return false;
  return box.left < -0.5 || box.right > width + 0.5;
}).map(e => e.tagName + ': ' + e.textContent.slice(0, 60))"""
PALE = """() => {
  const paint = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (css) => {
    paint.clearRect(0, 0, 1, 1); paint.fillStyle = css; paint.fillRect(0, 0, 1, 1);
    return [...paint.getImageData(0, 0, 1, 1).data];
  };
  const light = (css) => {
    const [r, g, b] = rgba(css).slice(0, 3).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    const own = getComputedStyle(e).backgroundColor;
    return rgba(own)[3] === 255 || !e.parentElement ? own : behind(e.parentElement);
  };
  const texts = [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().width
    && !e.closest('.skip, .hidden') && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()));
  const ratio = (e) => {
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  return {
    counted: texts.length, page: light(getComputedStyle(document.body).backgroundColor),
    pale: texts.filter(e => ratio(e) < 4.5).map(e => `${e.className}: ${e.textContent.slice(0, 40)} ${ratio(e)}`),
  };
}"""
HANDED = """([how, photos]) => {
  const data = new DataTransfer();
  for (const [name, bytes] of photos) data.items.add(new File([new Uint8Array(bytes)], name));
  const event = how === 'drop' ? new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true})
    : new ClipboardEvent('paste', {clipboardData: data, bubbles: true});
  document.body.dispatchEvent(event);
  return event.defaultPrevented;
}"""


@pytest.fixture(scope="module")
def server(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Three models, two of which answer alike."""
    scratch = tmp_path_factory.mktemp("serving")
    shutil.copytree(home, scratch / "run")
    (scratch / "run" / "models" / "cut.packed").unlink()
    with serving(scratch / "run", scratch) as opened:
        yield opened
    errors = (scratch / "errors").read_text()
    assert "Traceback" not in errors and "AUDIT" not in errors, errors


@pytest.fixture(scope="module")
def photos(originals: Path, server: Server) -> list[tuple[Path, dict[str, Any]]]:
    """A real photo on which the models agree, one on which they do not, and what the server says of them."""
    found: dict[bool, tuple[Path, dict[str, Any]]] = {}
    for photo in sorted((originals / "raw-img").rglob("*.jp*g")):
        with urllib.request.urlopen(server.url + "api/predict", data=photo.read_bytes()) as reply:
            said = json.load(reply)
        found.setdefault(all(row["agrees"] for row in said["models"]), (photo, said))
        if len(found) == 2:
            return [found[True], found[False]]
    pytest.fail("the models agree on all photos, or on none")


def opened(browser: Browser, server: Server, heard: list[str], width: int = 1280, scheme: Any = "light") -> Page:
    """The page; `heard` collects what it says, throws, or asks of anybody else."""
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.on("console", lambda m: heard.append(f"{m.type}: {m.text}"))
    page.on("pageerror", lambda e: heard.append(f"thrown: {e}"))
    page.on("dialog", lambda d: (heard.append(f"dialog: {d.message}"), d.dismiss()))
    mine = (server.url, "blob:", "data:")
    page.on("request", lambda r: None if r.url.startswith(mine) else heard.append(f"request: {r.url[:80]}"))
    page.goto(server.url)
    return page


def answered(page: Page, n: int) -> None:
    """Wait until so many photos have their answers."""
    page.locator(".shown:not(.waiting)").nth(n - 1).wait_for(timeout=30_000)
    assert page.locator(".shown").count() == n and page.locator(".waiting").count() == 0


def asked_models(server: Server) -> list[dict[str, Any]]:
    with urllib.request.urlopen(server.url + "api/models") as reply:
        found: list[dict[str, Any]] = json.load(reply)["models"]
        return found


def percent(p: float) -> str:
    return "<0.1" if p < 0.0005 else ">99.9" if 0.9995 < p < 1 else f"{100 * p:.1f}"


def test_a_real_photo_is_answered_side_by_side(
    browser: Browser, server: Server, photos: list[tuple[Path, dict[str, Any]]]
):
    heard: list[str] = []
    page = opened(browser, server, heard)
    assert page.locator("h1").inner_text() == "Show a photo to 3 models"
    photo, said = photos[0]
    page.get_by_label("Choose photos").set_input_files(photo)
    answered(page, 1)
    assert page.locator("h2", has_text=photo.name).is_visible()
    assert page.locator(".outcome").inner_text().lower() == f"all 3 models say {said['majority']}"
    assert page.get_by_role("status").inner_text() == f"{photo.name}: all 3 models say {said['majority']}"
    cards = page.locator(".card")
    boxes = [cards.nth(i).bounding_box() for i in range(cards.count())]
    assert len(boxes) == 3 and len({box["y"] for box in boxes if box}) == 1  # side by side
    for i, row in enumerate(said["models"]):
        card = cards.nth(i)
        assert card.locator("h3").inner_text() == row["name"]
        assert card.locator(".best").inner_text() == row["said"]
        lines = [(c["class"], f"{percent(c['probability'])}\u202f%") for c in row["classes"]]
        assert (
            list(zip(*(card.locator(part).all_inner_texts() for part in (".class", ".chance")), strict=True)) == lines
        )
        bars = [c["probability"] for c in row["classes"]]
        shares = card.locator(".bar").evaluate_all("b => b.map(e => e.firstChild.offsetWidth / e.offsetWidth)")
        assert shares == pytest.approx(bars, abs=0.01)
        assert card.locator(".time").inner_text().endswith("ms") and not card.locator(".other").is_visible()
    figures = [card.locator("dd").all_inner_texts() for card in cards.all()]
    assert [line[0] for line in figures] == [size(row["size_bytes"]) for row in asked_models(server)]
    assert [line[1] for line in figures] == ["76.8\u202f%", "76.6\u202f%", "unknown"]
    assert page.locator(".thumb").evaluate("e => e.complete && e.naturalWidth > 0")
    assert heard == []
    page.context.close()


def test_who_disagrees_is_marked(browser: Browser, server: Server, photos: list[tuple[Path, dict[str, Any]]]):
    page = opened(browser, server, [])
    photo, said = photos[1]
    page.locator("#choose").set_input_files(photo)
    answered(page, 1)
    assert page.locator(".outcome").inner_text() == f"2 of 3 models say {said['majority']}"
    marked = [card.locator(".other").is_visible() for card in page.locator(".card").all()]
    assert marked == [row["agrees"] is False for row in said["models"]] == [True, False, False]
    page.context.close()


def test_several_in_their_order_and_what_is_no_photo_is_said_in_words(
    browser: Browser, server: Server, photos: list[tuple[Path, dict[str, Any]]]
):
    heard: list[str] = []
    page = opened(browser, server, heard)
    name = "<img src=x onerror=alert(1)>.svg"
    svg, photo = list(no_photos()["svg"]), list(photos[0][0].read_bytes())
    assert page.evaluate(HANDED, ["drop", [["first.jpg", photo], [name, svg], ["cut.jpg", photo[: len(photo) // 2]]]])
    answered(page, 3)
    assert page.locator(".shown h2").all_inner_texts() == ["first.jpg", name, "cut.jpg"]
    refused = page.locator(".refused .outcome").all_inner_texts()
    assert refused[0].lower().startswith("this is no photo of a kind that is answered here: jpeg, png")
    assert refused[1].lower().startswith("this photo is broken: ")
    assert page.locator(".refused img[src]").count() == 0 and page.locator(".refused .card:visible").count() == 0
    page.evaluate(HANDED, ["paste", [["", list(good()["png"])]]])
    answered(page, 4)
    assert page.locator(".shown h2").first.inner_text() == "pasted photo"
    page.evaluate(HANDED, ["drop", []])
    assert "held no file" in page.get_by_role("status").inner_text()
    assert [line for line in heard if "status of 4" not in line] == []  # the browser's own words for a refusal
    page.context.close()


def test_too_large_is_said_before_it_is_sent(browser: Browser, server: Server, tmp_path: Path):
    page = opened(browser, server, [])
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.url))
    (tmp_path / "large.jpg").write_bytes(bytes(20_000_001))
    page.locator("#choose").set_input_files(tmp_path / "large.jpg")
    answered(page, 1)
    assert "larger than 20.0\u202fMB" in page.locator(".outcome").inner_text()
    assert sent == []
    page.context.close()


def test_a_server_that_is_gone_is_said(browser: Browser, home: Path, tmp_path: Path):
    with serving(home, tmp_path) as server:
        page = opened(browser, server, [])
    (tmp_path / "a.png").write_bytes(good()["png"])
    page.locator("#choose").set_input_files(tmp_path / "a.png")
    answered(page, 1)
    assert "does secateur serve still run?" in page.locator(".outcome").inner_text()
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_and_can_be_read(
    browser: Browser,
    server: Server,
    photos: list[tuple[Path, dict[str, Any]]],
    tmp_path: Path,
    width: int,
    scheme: str,
):
    page = opened(browser, server, [], width, scheme)
    assert page.evaluate(OUTSIDE, width) == []
    (tmp_path / ("a very long name " * 9 + ".svg")).write_bytes(no_photos()["svg"])
    page.locator("#choose").set_input_files([photos[0][0], *tmp_path.iterdir(), photos[1][0]])
    answered(page, 3)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(OUTSIDE, width) == []
    seen = page.evaluate(PALE)
    assert seen["counted"] > 60 and seen["pale"] == []  # WCAG 2.2, 1.4.3
    assert (seen["page"] < 0.05) == (scheme == "dark")
    page.screenshot(path=tmp_path / f"{width}-{scheme}.png", full_page=True)
    page.context.close()


def test_it_is_used_by_keyboard(browser: Browser, server: Server):
    page = opened(browser, server, [], 390)
    choosers: list[Any] = []
    page.on("filechooser", lambda c: choosers.append(c))  # well before it is needed: Chromium is told in passing
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "choose"
    outline = "getComputedStyle(document.getElementById('drop')).outlineStyle"
    assert page.evaluate(outline) == "solid"
    page.keyboard.press("Enter")
    for _ in range(100):
        if choosers:
            break
        page.wait_for_timeout(50)
    assert choosers[0].is_multiple()
    described = page.locator("#choose").evaluate(
        "e => document.getElementById(e.getAttribute('aria-describedby')).innerText"
    )
    assert "none is kept" in described
    page.context.close()

"""What the server takes, what it says of it, and what it never does; in this process, by its own routes."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
from hostile import bombs, good, in_many_passes, no_photos, odd, picture, saved
from pets import CLASSES, known
from PIL import Image
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from secateur.data.images import square
from secateur.errors import UserError
from secateur.files import read
from secateur.forms.runtime import Classifier, load
from secateur.records import Results
from secateur.serving.answering import answer
from secateur.serving.app import app
from secateur.serving.guard import hostname, names
from secateur.serving.models import Served, of_run
from secateur.serving.photos import KINDS, MOST_PASSES, kind
from secateur.serving.refusals import Refused
from secateur.serving.terms import Terms

pytestmark = [  # Pillow says aloud what it thinks of the files
    pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning"),
    pytest.mark.filterwarnings("ignore:Tag data larger:UserWarning"),
]
LIMIT = 1_000_000
HOST = "http://127.0.0.1:8000"
FOREIGN = [
    "evil.example",
    "evil.example:8000",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "localhost@evil.example",
    "evil.example#localhost",
    "127.0.0.2:8000",
    "0.0.0.0:8000",
    "192.168.0.9:8000",
    "[::2]",
    "[::1",
    "localhost:x",
]
NOWHERE = [
    "/etc/passwd",
    "//etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/page.css/",
    "/template/page.html",
    "/api/predict/",
    "/page.js%00",
    "/models/dense.onnx",
    "/results.json",
    "/favicon.ico",
]
TERMS = Terms("pets", LIMIT, 2)


@pytest.fixture(scope="module")
def models(home: Path) -> tuple[Served, ...]:
    return of_run(home / "models", read(Results, home / "results.json"))


@pytest.fixture(scope="module")
def made(models: tuple[Served, ...]) -> ASGIApp:
    return app(models, TERMS, names("127.0.0.1"))


@pytest.fixture(scope="module")
def client(made: ASGIApp) -> Iterator[TestClient]:
    with TestClient(made, base_url=HOST) as opened:
        yield opened


def refused(reply: Any, status: int, said: str) -> None:
    """One line of plain words, as JSON."""
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/json"
    assert reply.json().keys() == {"problem"}
    words = reply.json()["problem"]
    assert said in words and "\n" not in words and "Traceback" not in words and " object at 0x" not in words


def test_models_with_what_the_results_know_of_them(client: TestClient, home: Path):
    said = client.get("/api/models").json()
    assert said["run"] == "pets" and said["max_upload_bytes"] == LIMIT
    rows = {row["file"]: row for row in said["models"]}
    assert list(rows) == ["cut.onnx", "cut.packed", "dense.onnx", "mine.onnx"]
    assert {f: row["size_bytes"] for f, row in rows.items()} == {f: (home / "models" / f).stat().st_size for f in rows}
    assert [rows[f]["input_px"] for f in ("cut.onnx", "dense.onnx")] == [24, 16]
    assert all(row["classes"] == list(CLASSES) for row in rows.values())
    of = {m.name: m.evaluation.accuracy for m in known(home / "models").models if m.evaluation}
    assert rows["dense.onnx"]["test_accuracy"]["value"] == of["dense"].value
    assert rows["cut.onnx"]["name"] == "filter-l1 50 %" and rows["cut.packed"]["name"] == "filter-l1 50 %, packed"
    for file in ("cut.onnx", "cut.packed"):  # its zeros lost their signs, and it is known all the same
        assert rows[file]["test_accuracy"]["low"] == of["filter-l1 50 %"].low
    assert rows["mine.onnx"]["name"] == "mine.onnx" and rows["mine.onnx"]["test_accuracy"] is None


def test_a_packed_file_that_was_rounded_is_not_taken_for_the_exact_one(home: Path, tmp_path: Path):
    from secateur.forms.packing import pack

    exported = home / "models" / "cut.onnx"
    (tmp_path / "cut.onnx").write_bytes(exported.read_bytes())
    (tmp_path / "cut.packed").write_bytes(pack(exported.read_bytes(), "int8").content)
    found = {m.file: m for m in of_run(tmp_path, known(home / "models"))}
    assert found["cut.onnx"].test_accuracy and not found["cut.packed"].test_accuracy


@pytest.mark.parametrize("name", good())
def test_every_kind_of_photo_is_answered_as_its_pixels_are(client: TestClient, home: Path, name: str):
    data = good()[name]
    reply = client.post("/api/predict", content=data)
    assert reply.status_code == 200, reply.text
    said = reply.json()
    seen = square(data, 24)
    assert said["photo"] == {"kind": kind(data), "width": seen.width, "height": seen.height}
    logits = load(home / "models" / "cut.onnx").logits(seen.pixels[None])[0]
    row = said["models"][0]
    assert row["file"] == "cut.onnx" and row["said"] == CLASSES[int(logits.argmax())]
    assert len(row["classes"]) == TERMS.top
    assert row["classes"][0]["probability"] == pytest.approx(float(np.exp(logits - logits.max()).sum() ** -1))
    assert row["ms"] > 0


def test_a_photo_that_lacks_rows_is_refused_with_its_reason(client: TestClient):
    data = good()["jpeg turned by exif"]
    rows = data.rindex(b"\xff\xda")
    refused(
        client.post("/api/predict", content=data[: rows + 40] + b"\xff\xd9"),
        422,
        "this photo is broken: its coded rows",
    )
    assert client.post("/api/predict", content=data[:-2] + bytes(99) + data[-2:]).status_code == 200


def test_a_model_that_knows_no_depth_says_how_it_read_a_deep_photo(client: TestClient):
    out = io.BytesIO()
    Image.fromarray(np.full((40, 60), 900, np.uint16)).save(out, "PNG")
    rows = client.post("/api/predict", content=out.getvalue()).json()["models"]
    assert {row["doubt"] for row in rows} == {"no depth stored: read as 16 bits"}
    rows = client.post("/api/predict", content=good()["jpeg turned by exif"]).json()["models"]
    assert {row["doubt"] for row in rows} == {""}


def test_a_turned_photo_is_upright(client: TestClient):
    said = client.post("/api/predict", content=good()["jpeg turned by exif"]).json()
    assert (said["photo"]["width"], said["photo"]["height"]) == (200, 300)


@pytest.mark.parametrize("name", no_photos())
def test_what_is_no_photo_is_refused_whatever_it_calls_itself(client: TestClient, name: str):
    headers = {"content-type": "image/jpeg", "content-disposition": 'attachment; filename="photo.jpg"'}
    reply = client.post("/api/predict", content=no_photos()[name], headers=headers)
    refused(reply, 415, "this is no photo of a kind that is answered here: JPEG, PNG, WebP, GIF, BMP, TIFF")


@pytest.mark.parametrize("name", bombs())
def test_a_bomb_is_refused_by_its_header(client: TestClient, name: str, monkeypatch: pytest.MonkeyPatch):
    def never(*_: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr("secateur.serving.photos.square", never)
    said = "passes" if "passes" in name else "too many pixels: 50 megapixels are decoded"
    refused(client.post("/api/predict", content=bombs()[name]), 422, said)


@pytest.mark.parametrize("name", odd())
def test_odd_files(client: TestClient, name: str):
    data, may = odd()[name]
    reply = client.post("/api/predict", content=data)
    assert reply.status_code in may, reply.text
    if reply.status_code == 422:
        refused(reply, 422, "this photo is broken: ")


def test_passes_are_counted_as_the_decoder_sees_them():
    plain = saved(picture(24, 24), "JPEG", progressive=True)
    assert kind(in_many_passes(MOST_PASSES - plain.count(b"\xff\xda"))) == "JPEG"
    with pytest.raises(Refused, match="more than 100 passes"):
        kind(in_many_passes(MOST_PASSES))
    assert kind(plain + b"\xff\xda" * 1000) == "JPEG"  # behind its end
    within = b"\xff\xe1" + (2 + 400).to_bytes(2, "big") + b"\xff\xda" * 200
    assert kind(plain[:2] + within + plain[2:]) == "JPEG"  # in a preview


def test_pixels_are_counted_with_what_they_weigh():
    assert kind(saved(Image.new("L", (7_000, 7_000)), "PNG")) == "PNG"
    heavy = {
        "transparent": saved(Image.new("RGBA", (6_000, 5_000)), "PNG"),
        "webp": saved(Image.new("RGB", (6_000, 5_000)), "WEBP", method=0),
        "deep": saved(Image.new("I", (4_000, 3_500)), "TIFF", compression="tiff_lzw"),
    }
    for name, data in heavy.items():
        with pytest.raises(Refused, match="too many pixels") as caught:
            kind(data)
        assert caught.value.status == 422, name


def test_the_kinds_are_what_the_help_says():
    assert KINDS == ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")


def test_size_is_bounded_said_or_not(client: TestClient):
    def drip() -> Iterator[bytes]:
        for _ in range(20):
            yield bytes(100_000)

    large = "this file is larger than 1.00\u202fMB"
    refused(client.post("/api/predict", content=bytes(LIMIT + 1)), 413, large)
    refused(client.post("/api/predict", content=drip()), 413, large)
    refused(client.post("/api/predict", content=bytes(LIMIT)), 415, "no photo")
    padded = saved(picture(), "PNG")
    assert client.post("/api/predict", content=padded + bytes(LIMIT - len(padded))).status_code == 200
    refused(client.post("/api/predict", content=b""), 400, "there is no photo in this request")


def ask(made: ASGIApp, *messages: dict[str, Any], headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    """A photo over ASGI itself, whose messages then stop coming; status and body."""
    own = {"host": "localhost"} | (headers or {})
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/predict",
        "raw_path": b"/api/predict",
        "query_string": b"",
        "headers": [(k.encode(), v.encode()) for k, v in own.items()],
        "state": {"held": None, "one": None},
    }
    heard: list[Any] = []
    coming = list(messages)

    async def receive() -> Any:
        if coming:
            return coming.pop(0)
        await anyio.sleep_forever()

    async def send(message: Any) -> None:
        heard.append(message)

    async def one() -> None:
        scope["state"] = {"held": anyio.Semaphore(1), "one": anyio.CapacityLimiter(1)}
        await made(scope, receive, send)

    anyio.run(one)
    return heard[0]["status"], heard[1]["body"]


def test_a_photo_that_never_arrives_is_given_up(models: tuple[Served, ...]):
    made = app(models, replace(TERMS, body_seconds=0.05), names("127.0.0.1"))
    status, body = ask(made, {"type": "http.request", "body": b"\xff\xd8", "more_body": True})
    assert status == 408 and b"did not arrive within 0.05 seconds" in body


def test_a_photo_that_breaks_off(made: ASGIApp):
    part = {"type": "http.request", "body": b"\xff\xd8", "more_body": True}
    status, body = ask(made, part, {"type": "http.disconnect"})
    assert status == 400 and b"before the photo was whole" in body


def test_too_many_wait(models: tuple[Served, ...], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("secateur.serving.app.WAITING", 0)
    made = app(models, TERMS, names("127.0.0.1"))
    status, body = ask(made, {"type": "http.request", "body": good()["png"], "more_body": False})
    assert status == 429 and b"too many photos at once" in body


def test_no_more_photos_are_held_than_may_be(models: tuple[Served, ...]):
    """While four are on their way, a fifth is not read."""
    made = app(models, TERMS, names("127.0.0.1"))
    read_by: set[int] = set()

    async def one(number: int, state: dict[str, Any]) -> None:
        async def receive() -> Any:
            read_by.add(number)
            await anyio.sleep_forever()

        async def send(_: Any) -> None:
            pass

        headers = [(b"host", b"localhost")]
        about = {"path": "/api/predict", "raw_path": b"/api/predict", "query_string": b"", "headers": headers}
        await made({"type": "http", "method": "POST", "state": state} | about, receive, send)

    async def many() -> None:
        from secateur.serving.app import HELD

        state = {"held": anyio.Semaphore(HELD), "one": anyio.CapacityLimiter(1)}
        async with anyio.create_task_group() as group:
            for number in range(HELD + 3):
                group.start_soon(one, number, state)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        assert len(read_by) == HELD

    anyio.run(many)


@pytest.mark.parametrize("path", ["/", "/page.css", "/page.js", "/api/models", "/nowhere"])
def test_every_answer_guards_the_browser(client: TestClient, path: str):
    headers = client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert not any(name.startswith("access-control-") for name in headers)


def test_refusals_guard_it_too(client: TestClient):
    assert "content-security-policy" in client.post("/api/predict", content=b"x").headers
    assert "content-security-policy" in client.get("/", headers={"host": "evil.example"}).headers


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:99"])
def test_own_names(client: TestClient, host: str):
    assert client.get("/api/models", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["", *FOREIGN],
)
def test_foreign_names(client: TestClient, host: str):
    refused(client.get("/api/models", headers={"host": host}), 403, "does not go by that name")
    refused(client.post("/api/predict", content=b"x", headers={"host": host}), 403, "does not go by that name")


def test_names_of_what_is_listened_on():
    assert names("pi.example")("pi.example") and names("pi.example")("localhost")
    assert not names("pi.example")("192.168.0.9") and not names("192.168.0.9")("192.168.0.8")
    assert names("192.168.0.9")("192.168.0.9") and names("::1")("127.0.0.1")
    for everywhere in ("0.0.0.0", "::"):
        assert names(everywhere)("192.168.0.9") and names(everywhere)("fe80::1")
        assert not names(everywhere)("evil.example") and not names(everywhere)("")
    assert [hostname(h) for h in ("A.b:1", "[::1]:80", "a b", "a:b:c", "")] == ["a.b", "::1", "", "", ""]


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://evil.example:8000", "null", "http://127.0.0.1:9000", "http://localhost:8000", ""],
)
def test_another_page_may_not_post(client: TestClient, origin: str):
    reply = client.post("/api/predict", content=good()["png"], headers={"origin": origin})
    refused(reply, 403, "not from other pages")


def test_its_own_page_may(client: TestClient):
    assert client.post("/api/predict", content=good()["png"], headers={"origin": HOST}).status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "GET"])
def test_other_methods(client: TestClient, method: str):
    reply = client.request(method, "/api/predict")
    refused(reply, 405, "is not asked in that way")
    assert reply.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "path",
    NOWHERE,
)
def test_nothing_but_its_routes(client: TestClient, path: str):
    refused(client.get(path, follow_redirects=False), 404, "there is nothing at this address")


def test_the_page_shows_names_as_text_and_asks_for_nothing_elsewhere(client: TestClient, models: tuple[Served, ...]):
    hostile = replace(models[0], name="<script>alert(1)</script>")
    made = app([hostile], Terms('<img src=x onerror="alert(1)">', LIMIT, 2, "<b>drawn</b>"), names("127.0.0.1"))
    with TestClient(made, base_url=HOST) as other:
        html = other.get("/").text
    assert "<script>alert" not in html and "<img src=x" not in html and "<b>drawn" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html and "Show a photo to 1 model<" in html
    for text in (html, client.get("/page.css").text, client.get("/page.js").text):
        assert not re.search(r"https?://|@import|url\(", text)
    own = client.get("/").text
    assert re.findall(r'(?:src|href)="([^"#]*)"', own) == ["data:,", "page.css", "page.js"]
    assert not re.search(r"<script(?! src)|\s(?:style|on\w+)=", own)


class Broken(Classifier):
    """A run-time that fails, or says what is no number."""

    __slots__ = ()

    def logits(self, photos: Any, batch_size: int = 64) -> Any:
        if self.session == "fails":
            raise RuntimeError("/some/path: bad allocation")
        return np.full((1, len(self.labels)), np.nan, np.float32)


def test_a_model_that_fails_is_a_row_with_its_reason(models: tuple[Served, ...]):
    fails, mute = (
        replace(models[0], name=name, classifier=Broken(name, CLASSES, 16)) for name in ("fails", "no numbers")
    )
    made = app([fails, *models, mute], TERMS, names("127.0.0.1"))
    with TestClient(made, base_url=HOST) as other:
        rows = other.post("/api/predict", content=good()["png"]).json()["models"]
    assert rows[0]["problem"] == "this model could not be run on this photo" and rows[0]["said"] == ""
    assert rows[-1]["problem"] == "this model gave no numbers" and rows[-1]["classes"] == []
    assert all(row["said"] and not row["problem"] for row in rows[1:-1])
    assert rows[0]["agrees"] is None


class Says(Classifier):
    """The class that its session names."""

    __slots__ = ()

    def logits(self, photos: Any, batch_size: int = 64) -> Any:
        return np.eye(len(self.labels), dtype=np.float32)[[self.labels.index(self.session)]]


@pytest.mark.parametrize(
    ("said", "majority", "agrees"),
    [
        ("aab", "a", [True, True, False]),
        ("abc", None, [None, None, None]),
        ("aabb", None, [None] * 4),
        ("aabc", None, [None] * 4),
        ("c", "c", [True]),
    ],
)
def test_who_is_in_the_minority(said: str, majority: str | None, agrees: list[bool | None]):
    models = [Served(c, c, 1, Says(c, ("a", "b", "c"), 8)) for c in said]
    found = answer(models, good()["png"], 3)
    assert found["majority"] == majority
    assert [row["agrees"] for row in found["models"]] == agrees


def test_a_mistake_of_ours_tells_nothing_of_itself(models: tuple[Served, ...], monkeypatch: pytest.MonkeyPatch):
    def bug(*_: object) -> None:
        raise KeyError("secret")

    monkeypatch.setattr("secateur.serving.app.answer", bug)
    made = app(models, TERMS, names("127.0.0.1"))
    with TestClient(made, base_url=HOST, raise_server_exceptions=False) as other:
        reply = other.post("/api/predict", content=good()["png"])
    assert reply.status_code == 500 and reply.json() == {
        "problem": "Secateur made a mistake here; its terminal says more"
    }


def test_a_folder_without_models(home: Path, tmp_path: Path):
    with pytest.raises(UserError, match="holds no models"):
        of_run(tmp_path, known(home / "models"))
    (tmp_path / "x.onnx").write_bytes(b"no model")
    with pytest.raises(UserError, match=r"x\.onnx is no ONNX model"):
        of_run(tmp_path, known(home / "models"))

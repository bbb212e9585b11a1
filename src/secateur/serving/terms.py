"""What a server takes, and how it answers."""

from __future__ import annotations

from dataclasses import dataclass

BODY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Terms:
    """Set once, when it starts."""

    run: str  # the name of the run
    max_upload: int  # bytes of a photo
    top: int  # classes a model
    drawn: str = ""  # what drew the pictures that the models learnt from, where these are no photos
    body_seconds: float = BODY_SECONDS  # for a photo to arrive

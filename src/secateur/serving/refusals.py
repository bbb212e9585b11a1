"""Why a request gets no answer: a status and one line of plain words."""

from __future__ import annotations

from secateur.errors import UserError


class Refused(UserError):
    """A request that is turned down; `status` is HTTP's, 400 to 499."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status

"""Another library's converter, called: quietly, and what it raises as one line."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator

from secateur.errors import StepFailed, first_line


@contextlib.contextmanager
def converting(what: str, logger: str = "") -> Iterator[None]:
    """Converters tell of their progress on the root logger, in warnings and in print; none of it concerns a user.
    Raises StepFailed, `what` and the first line of the reason, for whatever was raised: they share no base class."""
    noisy = logging.getLogger(logger)
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    except StepFailed:
        raise
    except Exception as error:
        begun = _begun(error)
        why = f" ({first_line(begun)})" if begun is not error else ""
        raise StepFailed(f"{what}: {first_line(error)}{why}") from error
    finally:
        noisy.setLevel(level)


def _begun(error: BaseException) -> BaseException:
    """What was raised first: a converter's own words say in which of its stages it was, not why."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error

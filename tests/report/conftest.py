"""The Vega bundle takes seconds to make: once for all tests of the report."""

from __future__ import annotations

import pytest

from secateur.report.page import vega_bundle


@pytest.fixture(scope="session")
def vega_js() -> str:
    return vega_bundle()

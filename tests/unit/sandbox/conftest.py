from __future__ import annotations

import pytest

from tests.unit.sandbox.bankfiles import Town


@pytest.fixture
def town(tmp_path):
    made = Town(tmp_path)
    yield made
    made.restart()

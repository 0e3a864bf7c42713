"""Arrow's memory comes from the allocator that is chosen, unless the environment chooses."""

import subprocess
import sys

import pytest

ASK = "import pyarrow as pa; from migration import allocator; allocator.choose(); print(pa.default_memory_pool().backend_name)"


@pytest.mark.parametrize(("named", "taken"), [({}, "jemalloc"), ({"ARROW_DEFAULT_MEMORY_POOL": "system"}, "system")])
def test_the_environment_goes_first(monkeypatch: pytest.MonkeyPatch, named: dict[str, str], taken: str) -> None:
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run([sys.executable, "-c", ASK], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == taken

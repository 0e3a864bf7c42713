"""Which allocator Arrow takes its memory from."""

from __future__ import annotations

import os

import pyarrow as pa


def choose() -> None:
    """Take jemalloc where it is built in, unless ARROW_DEFAULT_MEMORY_POOL says which.

    Sets that stream are made on one thread and freed on another. What is freed so, mimalloc (Arrow's default) keeps for longer:
    a walk over five million debts holds 80 MiB more and takes a tenth more time with it (benchmarks/verification/size.py).
    """
    if "ARROW_DEFAULT_MEMORY_POOL" not in os.environ and "jemalloc" in pa.supported_memory_backends():
        pa.set_memory_pool(pa.jemalloc_memory_pool())

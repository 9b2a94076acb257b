"""A small bill; ``python -m tests.bill`` makes a large one."""

import sys

import pytest

from .bill import bill


@pytest.mark.beside
@pytest.mark.skipif(sys.platform == "win32", reason="it kills")
def test_every_row_is_answered_and_paid_for_once_though_its_kernel_is_killed_and_the_queue_fails() -> None:
    found = bill(300, 5, lookups=(0.3, 1.0), in_vain=50.0)
    assert found.is_right, found
    assert found.kills >= 3  # fewer where the rows come to their end before
    assert found.unknown <= 5 * 16 + 10

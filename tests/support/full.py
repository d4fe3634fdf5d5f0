"""Which tests run at full length: CALLHOOK_TEST_FULL=1."""

import os

import pytest

FULL = os.environ.get("CALLHOOK_TEST_FULL") == "1"

# For a variant of what a quick run tries in another way.
full_only = pytest.mark.skipif(
    not FULL, reason="only with CALLHOOK_TEST_FULL=1 (make check-faults)")


def only_in_full(*values):
    """Such a variant as a parameter."""
    return pytest.param(*values, marks=full_only)


def length(quick, full):
    """Seconds or numbers of a test: of the quick run, or of the full one."""
    return full if FULL else quick

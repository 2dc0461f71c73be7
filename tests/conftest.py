"""Settings of all tests."""

import gc

from hypothesis import settings

# A deadline in milliseconds of wall time fails on a busy machine.
settings.register_profile("ganport", deadline=None)
settings.load_profile("ganport")


def pytest_collection_finish() -> None:
    """Exclude imported modules from garbage collection, which would visit them each time."""
    gc.collect()
    gc.freeze()

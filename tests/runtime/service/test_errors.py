import pytest

from ganport_runtime import errors
from ganport_runtime.service import errors as refusals
from ganport_runtime.service.errors import status_of

WORDS = {"expected": "this", "found": "that", "fix": "Do it."}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (refusals.BodyError, 400),
        (refusals.KeyMissingError, 401),
        (refusals.UnknownBundleError, 404),
        (refusals.SlowBodyError, 408),
        (refusals.TooLargeError, 413),
        (refusals.MediaTypeError, 415),
        (errors.RequestError, 422),
        (errors.ConditionError, 422),
        (errors.ClosedError, 503),
        (errors.DeadlineError, 504),
        (errors.BundleError, 500),
        (errors.DeviceError, 500),
    ],
)
def test_every_error_has_its_status(kind: type[errors.GanportError], status: int) -> None:
    assert status_of(kind("place", **WORDS)) == status


def test_a_full_queue() -> None:
    assert status_of(errors.QueueFullError("queue", retry_after=1.5, **WORDS)) == 429

import numpy as np
import pytest
from safetensors.numpy import load

from ganport_export import Interface, OptionError
from ganport_export.directions import write_directions

INTERFACE = Interface("a", (3, 8, 8), (8, 8))
ONES = np.ones((3, 8, 8), np.float32)


def test_directions_come_back_by_name_and_are_the_same_bytes_in_any_order():
    given = {"b/y": ONES, "a/x": ONES.transpose(0, 2, 1) * 2}
    data = write_directions(given, INTERFACE)
    assert data == write_directions(dict(sorted(given.items())), INTERFACE)
    read = load(data)
    assert all(np.array_equal(read[name], given[name]) for name in given)


@pytest.mark.parametrize(
    ("directions", "message"),
    [
        ({"a": ONES[0]}, r"expected float32 of shape \(3, 8, 8\); found float32 of shape \(8, 8\)"),
        ({"a": ONES.astype(np.float64)}, "found float64"),
        ({"a": ONES * np.float32(np.inf)}, "found NaN or infinity in a"),
        ({"two\nlines": ONES}, "expected names of 1 to 300 letters"),
    ],
)
def test_what_does_not_fit_the_noise_is_refused(directions, message):
    with pytest.raises(OptionError, match=f"^directions: .*{message}"):
        write_directions(directions, INTERFACE)

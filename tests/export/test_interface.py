import pytest

from ganport_export import Interface, OptionError
from ganport_runtime.conditions import Conditions

CONDITIONS = Conditions.one_hots({"hair": ["red", "blue"]})


def test_inputs_stand_in_the_order_forward_takes_them():
    interface = Interface("a", (4,), (8, 16), CONDITIONS)
    assert list(interface.inputs.items()) == [("z", (4,)), ("condition", (2,))]


def test_an_unconditional_network_takes_z_alone():
    assert Interface("a", (2, 4, 4), (8, 8)).inputs == {"z": (2, 4, 4)}


def test_output_shape_follows_the_head():
    interface = Interface("a", (4,), (8, 16))
    assert interface.output_shape("uint8") == (8, 16, 3)
    assert interface.output_shape("float") == (3, 8, 16)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "two\nlines"),
        ("name", " padded "),
        ("family", "x" * 201),
        ("version", "one"),
        ("kind", "gan.encode/1"),
        ("z", ()),
        ("z", (0,)),
        ("z", (4, 4)),
        ("z", (2**21,)),
        ("resolution", (8,)),
        ("resolution", (8, 0)),
        ("resolution", (8, 5000)),
    ],
)
def test_what_no_bundle_can_have_is_refused_by_name(field, value):
    fields = {"name": "a", "z": (4,), "resolution": (8, 8)} | {field: value}
    with pytest.raises(OptionError, match=f"^interface {field}: expected ") as refused:
        Interface(**fields)
    assert refused.value.exit_code == 2

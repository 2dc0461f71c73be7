import pytest

from ganport_export import Interface, OptionError
from ganport_runtime.conditions import Conditions

CONDITIONS = Conditions.one_hots({"hair": ["red", "blue"]})


def test_inputs_stand_in_the_order_forward_takes_them():
    interface = Interface("a", (4,), (8, 16), CONDITIONS)
    assert list(interface.inputs.items()) == [("z", (4,)), ("condition", (2,))]


def test_an_unconditional_network_takes_z_alone():
    assert Interface("a", (2, 4, 4), (8, 8)).inputs == {"z": (2, 4, 4)}


@pytest.mark.parametrize(
    ("kind", "z", "first", "output", "shape", "stem"),
    [
        ("gan.generate/1", (4,), "z", "image", (8, 16, 3), "generator"),
        ("gan.translate/1", (), "image_in", "image", (8, 16, 3), "generator"),
        ("gan.encode/1", (3, 8, 16), "image_in", "z", (3, 8, 16), "encoder"),
    ],
)
def test_each_kind_has_its_ends(kind, z, first, output, shape, stem):
    interface = Interface("a", z, (8, 16), CONDITIONS, kind=kind)
    assert list(interface.inputs) == [first, "condition"]
    assert interface.inputs[first] == (z if first == "z" else (3, 8, 16))
    assert (interface.output, interface.output_shape("uint8")) == (output, shape)
    assert interface.head("uint8") == ("uint8" if output == "image" else "float")
    assert interface.stem == stem


def test_a_translator_has_no_noise():
    with pytest.raises(OptionError, match=r"z: expected \(\), for gan.translate/1 takes no noise"):
        Interface("a", (4,), (8, 8), kind="gan.translate/1")


def test_the_encoder_of_a_generator_is_like_it_in_all_else():
    interface = Interface("a", (3, 8, 8), (8, 8), CONDITIONS, temperature=0.7)
    encoder = interface.encoder()
    assert (encoder.kind, encoder.z, encoder.temperature) == ("gan.encode/1", (3, 8, 8), 0.7)
    assert encoder.conditions is interface.conditions


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
        ("kind", "gan.paint/1"),
        ("temperature", -0.1),
        ("temperature", float("nan")),
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

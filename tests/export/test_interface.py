import pytest

from ganport_export import Interface, OptionError
from ganport_runtime.conditions import Conditions
from ganport_runtime.values import repr_short

CONDITIONS = Conditions.one_hots({"hair": ["red", "blue"]})


def test_inputs_conditional_are_in_the_order_of_forward():
    interface = Interface("a", (4,), (8, 16), CONDITIONS)
    assert list(interface.inputs.items()) == [("z", (4,)), ("condition", (2,))]


def test_inputs_unconditional_are_z_alone():
    assert Interface("a", (2, 4, 4), (8, 8)).inputs == {"z": (2, 4, 4)}


@pytest.mark.parametrize(
    ("kind", "z", "input_name", "output", "shape", "stem"),
    [
        ("gan.generate/1", (4,), "z", "image", (8, 16, 3), "generator"),
        ("gan.translate/1", (), "image_in", "image", (8, 16, 3), "generator"),
        ("gan.encode/1", (3, 8, 16), "image_in", "z", (3, 8, 16), "encoder"),
    ],
)
def test_interface_of_each_kind_has_its_input_and_output(kind, z, input_name, output, shape, stem):
    interface = Interface("a", z, (8, 16), CONDITIONS, kind=kind)
    assert list(interface.inputs) == [input_name, "condition"]
    assert interface.inputs[input_name] == (z if input_name == "z" else (3, 8, 16))
    assert (interface.output_name, interface.output_shape("uint8")) == (output, shape)
    assert interface.head("uint8") == ("uint8" if output == "image" else "float")
    assert interface.stem == stem


def test_interface_of_a_translator_with_z_raises():
    with pytest.raises(OptionError, match=r"interface z: expected \(\) for gan.translate/1"):
        Interface("a", (4,), (8, 8), kind="gan.translate/1")


def test_encoder_differs_from_the_generator_in_kind_only():
    interface = Interface("a", (3, 8, 8), (8, 8), CONDITIONS, temperature=0.7)
    encoder = interface.encoder()
    assert (encoder.kind, encoder.z, encoder.temperature) == ("gan.encode/1", (3, 8, 8), 0.7)
    assert encoder.conditions is interface.conditions


def test_output_shape_depends_on_the_head():
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
def test_interface_with_an_invalid_field_raises_with_its_name(field, value):
    fields = {"name": "a", "z": (4,), "resolution": (8, 8)} | {field: value}
    with pytest.raises(OptionError) as caught:
        Interface(**fields)
    assert (caught.value.place, caught.value.found) == (f"interface {field}", repr_short(value))
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("conditions", None),
        ("conditions", {"hair": ["red"]}),
        ("name", None),
        ("version", 1),
        ("z", None),
        ("z", 4),
        ("z", ("4",)),
        ("resolution", 8),
        ("resolution", (8, None)),
        ("resolution", "ab"),
        ("temperature", "1"),
        ("temperature", None),
        ("kind", ["gan.generate/1"]),
    ],
)
def test_interface_with_a_value_of_another_type_raises(field, value):
    values = {"name": "a", "z": (4,), "resolution": (8, 8), field: value}
    with pytest.raises(OptionError, match=f"interface {field}: expected "):
        Interface(**values)

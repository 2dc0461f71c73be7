import pytest

from ganport_runtime.conditions import Conditions, JointOneHot, MultiHot, OneHot, Scalar
from ganport_train.data.balance import balance_warnings, similar_labels


def test_balance_warnings_of_a_balanced_set_are_none() -> None:
    assert balance_warnings(200, {"hair": {"pink": 1, "red": 99}, "eyes": {}}) == []


def test_balance_warnings_name_few_images_rare_and_single_labels() -> None:
    counts = {"hair": {"pink": 1, "red": 100, "new": 0}, "eyes": {"red": 101}}
    few, rare, single = balance_warnings(101, counts)
    assert few.startswith("only 101 training images")
    assert rare.startswith("hair: 100 training images of red, 1 of pink, 100 : 1")
    assert single.startswith("eyes: red is the only label")


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (("Pink", "pink", "red"), "'Pink' and 'pink' as labels of 'hair'"),
        (("light_blue", "light-blue"), "'light_blue' and 'light-blue' as labels of 'hair'"),
        (("Light blue", "light__BLUE", "x"), "'Light blue' and 'light__BLUE' as labels of 'hair'"),
    ],
)
def test_similar_labels_are_named(labels: tuple[str, ...], found: str) -> None:
    (issue,) = similar_labels(Conditions((OneHot("hair", labels),)))
    assert (issue.level, issue.found) == ("warning", found)
    (multi,) = similar_labels(Conditions((MultiHot("hair", labels),)))
    assert multi == issue
    joint = JointOneHot("pair", (OneHot("hair", labels), OneHot("eyes", ("a", "b"))))
    assert similar_labels(Conditions((joint,))) == [issue]


def test_similar_labels_of_different_labels_are_none() -> None:
    groups = (OneHot("hair", ("blue", "light blue", "lightblue")), Scalar("age", 1, 0, 2))
    assert similar_labels(Conditions(groups)) == []

"""Tests of tags: labels, groups, undo, and the rows of the table."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.errors import RequestError
from ganport_train.tagging.state import MAX_UNDO, ImageTags, TagState, check_name

GROUPS = {"hair": ("pink", "black"), "eyes": ("blue", "red"), "items": ("bag", "hat")}
MULTIPLE = frozenset({"items"})
IMAGES = ("a", "b", "c")

changes = st.one_of(
    st.tuples(
        st.just("tag"),
        st.dictionaries(
            st.sampled_from(IMAGES),
            st.builds(
                lambda hair, out: ImageTags({"hair": hair} if hair else {}, out),
                st.sampled_from(["pink", "black", None]),
                st.booleans(),
            ),
        ),
    ),
    st.tuples(
        st.just("tag"),
        st.dictionaries(
            st.sampled_from(IMAGES),
            st.builds(
                lambda items: ImageTags({"items": tuple(items)}),
                st.lists(st.sampled_from(["bag", "hat"]), unique=True),
            ),
        ),
    ),
    st.tuples(st.just("rename_label"), st.just("items"), st.just("bag"), st.just("hat")),
    st.tuples(st.just("rename_group"), st.just("items"), st.just("things")),
    st.tuples(st.just("remove_group"), st.just("items")),
    st.tuples(st.just("add_label"), st.just("hair"), st.sampled_from(["pink", "white", "gray"])),
    st.tuples(st.just("rename_label"), st.just("hair"), st.just("pink"), st.just("black")),
    st.tuples(st.just("remove_label"), st.just("hair"), st.just("black")),
    st.tuples(st.just("rename_group"), st.just("eyes"), st.just("iris")),
    st.tuples(st.just("remove_group"), st.just("hair")),
)


def values(state: TagState) -> tuple[object, ...]:
    return dict(state.groups), dict(state.images), state.multiple


@given(st.lists(changes, max_size=8))
def test_undo_restores_every_earlier_state_and_redo_every_later(
    requests: list[tuple[str, ...]],
) -> None:
    state = TagState(GROUPS, {}, MULTIPLE)
    seen = [values(state)]
    for name, *arguments in requests:
        try:
            getattr(state, name)(*arguments)
        except RequestError:
            assert values(state) == seen[-1]
        if values(state) != seen[-1]:
            seen.append(values(state))
    for earlier in reversed(seen[:-1]):
        state.undo()
        assert values(state) == earlier
    assert not state.can_undo
    for later in seen[1:]:
        state.redo()
        assert values(state) == later
    assert not state.can_redo


def test_rename_label_to_another_label_joins_both() -> None:
    state = TagState(GROUPS, {"a": ImageTags({"hair": "pink"}), "b": ImageTags({"hair": "black"})})
    assert state.rename_label("hair", "pink", "black") == ["a"]
    assert state.groups["hair"] == ("black",)
    assert [state.of(image).labels for image in "ab"] == [{"hair": "black"}] * 2


def test_labels_of_a_group_of_several_are_renamed_joined_and_removed() -> None:
    tags = {"a": ImageTags({"items": ("bag", "hat")}), "b": ImageTags({"items": ("bag",)})}
    state = TagState(GROUPS, tags, MULTIPLE)
    state.rename_group("items", "things")
    assert state.multiple == {"things"}
    assert state.of("b").labels == {"things": ("bag",)}
    state.rename_label("things", "bag", "hat")
    assert [state.of(image).labels for image in "ab"] == [{"things": ("hat",)}] * 2
    state.remove_label("things", "hat")
    assert [state.of(image).labels for image in "ab"] == [{"things": ()}] * 2
    assert state.complete(IMAGES, ["things"]) == ["a", "b"]
    state.remove_group("things")
    assert (state.multiple, state.images) == (frozenset(), {})


def test_remove_group_removes_its_tags() -> None:
    state = TagState(GROUPS, {"a": ImageTags({"hair": "pink", "eyes": "red"})})
    state.remove_group("hair")
    assert state.of("a") == ImageTags({"eyes": "red"})
    assert list(state.groups) == ["eyes", "items"]


def test_new_group_enters_the_table_when_half_of_the_images_have_it() -> None:
    state = TagState(GROUPS, {image: ImageTags({"hair": "pink"}) for image in IMAGES})
    assert state.table_groups() == ["hair"]
    state.tag({"a": ImageTags({"hair": "pink", "eyes": "red"})})
    assert state.table_groups() == ["hair"]
    assert state.complete(IMAGES, ["hair"]) == list(IMAGES)
    state.tag({"b": ImageTags({"hair": "pink", "eyes": "red"})})
    assert state.table_groups() == ["hair", "eyes"]
    assert state.complete(IMAGES, state.table_groups()) == ["a", "b"]


def test_left_out_image_is_in_no_row() -> None:
    state = TagState(GROUPS, {"a": ImageTags({"hair": "pink"}), "b": ImageTags({"hair": "pink"})})
    state.tag({"a": ImageTags({"hair": "pink"}, left_out=True)})
    assert state.complete(IMAGES, ["hair"]) == ["b"]


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.tag({"a": ImageTags({"hair": "green"})}),
        lambda state: state.tag({"a": ImageTags({"nose": "long"})}),
        lambda state: state.tag({"a": ImageTags({"items": "bag"})}),
        lambda state: state.tag({"a": ImageTags({"items": ("bag", "pipe")})}),
        lambda state: state.tag({"a": ImageTags({"hair": ("pink",)})}),
        lambda state: state.add_group("hair"),
        lambda state: state.add_label("hair", "pink"),
        lambda state: state.add_label("nose", "long"),
        lambda state: state.rename_group("hair", "eyes"),
        lambda state: state.remove_label("hair", "green"),
        lambda state: state.add_group("many", [f"n{i}" for i in range(1025)]),
    ],
)
def test_refused_change_leaves_the_state(change: Callable[[TagState], object]) -> None:
    state = TagState(GROUPS, {}, MULTIPLE)
    with pytest.raises(RequestError):
        change(state)
    assert values(state) == (GROUPS, {}, MULTIPLE)
    assert not state.can_undo


def test_undo_keeps_a_limited_number_of_changes() -> None:
    state = TagState(GROUPS, {})
    for number in range(MAX_UNDO + 10):
        state.tag({"a": ImageTags({"hair": ("pink", "black")[number % 2]})})
    undone = 0
    while state.can_undo:
        state.undo()
        undone += 1
    assert undone == MAX_UNDO


@pytest.mark.parametrize("name", ["", "two words", "a,b", "x" * 65, "-a", "a\n", None, 3, ["a"]])
def test_check_name_refuses_what_a_table_cannot_hold(name: object) -> None:
    with pytest.raises(RequestError):
        check_name(name)

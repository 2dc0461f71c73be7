"""What is asked of a generator, and how its pictures are counted."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions, MultiHot, Scalar
from ganport_runtime.generator import Generator
from ganport_train.evaluation.scores.sampling import (
    Rounds,
    groups_of,
    parts,
    requests,
    rows_with,
    sample,
    sayable,
    spaced,
)

HAIR = Conditions.one_hots({"hair": ["red", "blue"], "eyes": ["dark", "light"]})


@given(st.integers(1, 200), st.integers(1, 200))
def test_spaced_rows_rise_and_stay_inside(total: int, count: int) -> None:
    rows = spaced(total, count)
    assert len(rows) == count
    assert (np.diff(rows) >= 0).all()
    assert rows[0] >= 0
    assert rows[-1] < total
    if count <= total:
        assert len(set(rows)) == count


def test_a_sample_holds_each_condition_in_its_share() -> None:
    vectors = HAIR.encode_many(
        [{"hair": "red", "eyes": "dark"}] * 6 + [{"hair": "blue", "eyes": "light"}] * 2
    )
    chosen = sample(vectors[[0, 6, 1, 2, 7, 3, 4, 5]], 40)
    assert chosen[:, HAIR.slices["hair"]].sum(axis=0).tolist() == [30, 10]
    assert sample(np.zeros((5, 0), np.float32), 3).shape == (3, 0)


def test_rows_are_found_by_condition_and_by_label() -> None:
    asked = ["red dark", "blue dark", "red dark", "red light", "red dark"]
    pairs = [dict(zip(("hair", "eyes"), words.split(), strict=True)) for words in asked]
    vectors = HAIR.encode_many(pairs)
    groups = [rows.tolist() for rows in groups_of(vectors, least=1, most=2)]
    assert groups[0] == [0, 2]
    assert sorted(groups[1:]) == [[1], [3]]
    assert len(groups_of(vectors, least=3, most=9)) == 1
    found = {key: rows.tolist() for key, rows in rows_with(HAIR, vectors).items()}
    assert found == {
        ("hair", "red"): [0, 2, 3, 4],
        ("hair", "blue"): [1],
        ("eyes", "dark"): [0, 1, 2, 4],
        ("eyes", "light"): [3],
    }


def test_numbers_have_no_labels_and_no_condition_is_one_group() -> None:
    age = Conditions((Scalar("age", 20, 0, 100),))
    assert rows_with(age, np.array([[3.0]], np.float32)) == {}
    assert [rows.tolist() for rows in groups_of(np.zeros((4, 0)), least=1, most=2)] == [[1, 3]]


def test_each_round_has_seeds_of_its_own(healthy: Generator) -> None:
    vectors = healthy.conditions.encode_many([{}] * 3)
    rounds = Rounds(vectors, 2**64 - 2, 2)
    one, two = (rounds.draw(healthy, healthy.conditions, number) for number in range(2))
    assert one.origins == [f"seed {2**64 - 2}", f"seed {2**64 - 1}", "seed 0"]
    assert two.origins == ["seed 1", "seed 2", "seed 3"]
    assert rounds.next_seed == 4
    again = healthy.generate([{}] * 3, seed=1)
    assert np.array_equal(two.images, again)
    assert not np.array_equal(one.images, two.images)


def test_only_what_a_bundle_knows_can_be_asked_for(healthy: Generator) -> None:
    more = Conditions.one_hots({"hair": ["red", "pink"], "eyes": ["dark", "light"]})
    vectors = more.encode_many([{"hair": "red"}, {"hair": "pink"}, {"hair": "red"}])
    assert sayable(healthy, more, vectors).tolist() == [True, False, True]
    other = Conditions((MultiHot("objects", ("cube",), (), 1),))
    assert sayable(healthy, other, np.ones((2, 1), np.float32)).tolist() == [False, False]
    assert requests(healthy, more, vectors[:1]) == [{"hair": "red", "eyes": "dark"}]


def test_parts_cover_everything_once() -> None:
    assert [(part.start, part.stop) for part in parts(5, 2)] == [(0, 2), (2, 4), (4, 5)]

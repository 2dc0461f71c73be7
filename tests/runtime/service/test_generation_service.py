import pytest

from ganport_runtime.service.generation_service import spelled


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        ([], ""),
        ([7], "7"),
        ([7, 8, 9], "7..9"),
        ([2**64 - 2, 2**64 - 1, 0], f"{2**64 - 2}..0"),
        ([7, 9], "7, 9"),
        ([9, 8], "9, 8"),
        ([5, 5], "5, 5"),
        (list(range(0, 200, 2)), ", ".join(map(str, range(0, 200, 2)))),
        (list(range(0, 202, 2)), ""),
        (list(range(1000)), "0..999"),
    ],
)
def test_seeds_in_a_header_of_bounded_length(seeds: list[int], text: str) -> None:
    assert spelled(seeds) == text
    assert len(text) < 2500

"""A report small enough to be known by heart."""

from typing import Any

import pytest

from ganport_train.evaluation.scores.metric import Figure


def share(value: float, count: int = 100) -> dict[str, Any]:
    return {"value": value, "low": value - 0.05, "high": value + 0.05, "count": count}


@pytest.fixture
def report() -> dict[str, Any]:
    """A report of two hair colours with every part that a page shows."""
    figures = {
        "accuracy_hair": Figure.over_rounds(
            "hair as asked", "Condition", [0.5, 0.7], better="higher", real=0.9, unit="%"
        ),
        "judge_kernel": Figure("kernel distance x 1000", "Likeness", 31.25, real=0.125),
        "spread_pixels": Figure("spread", "Variety", 0.25, real=1.0, unit="%", note="a note"),
        "accuracy_eyes": Figure("eyes as asked", "Condition", 0.8, real=0.9, unit="%"),
    }
    values = {"kernel": 2.5, "density": 0.5, "coverage": 0.75, "spread": None}
    return {
        "schema_version": 1,
        "kind": "score",
        "bundle": {
            "name": "faces.ganport",
            "title": "Faces",
            "digest": "ab12",
            "provenance": {"step": 1200},
        },
        "options": {"count": 2000, "seed": 0},
        "extractors": [{"name": "judge", "digest": "cd34"}],
        "accuracy": {
            "hair": {
                "kind": "one_hot",
                "generated": share(0.6),
                "real": share(0.9),
                "labels": {
                    "pink": {"generated": share(0.8), "real": share(0.95)},
                    "blue": {"generated": share(0.4), "real": share(0.85)},
                },
                "confusion": {
                    "labels": ["pink", "blue"],
                    "generated": [[40, 10], [30, 20]],
                    "real": [[19, 1], [0, 0]],
                },
            }
        },
        "trials": {
            "new_test": {"share": share(0.625, 4200), "requests": 32, "objects": 84, "draws": 50}
        },
        "conditions": [
            {"group": "hair", "label": "pink", "generated": 50, "real": 20, "figures": values},
            {
                "group": "hair",
                "label": "rare",
                "generated": 3,
                "real": 2,
                "figures": dict.fromkeys(values),
            },
            {
                "group": "hair",
                "label": "blue",
                "generated": 50,
                "real": 30,
                "figures": values | {"kernel": 40.0},
            },
        ],
        "worst": [
            {"asked": "pink hair", "judged": "blue hair", "origin": "seed 77", "confidence": 0.9876}
        ],
        "figures": {key: figure.to_json() for key, figure in figures.items()},
        "headline": ["accuracy_hair", "judge_kernel", "gone"],
        "notes": ["another data set than the judge's"],
        "warnings": ["collapsed within a condition: spread 25.0%"],
    }

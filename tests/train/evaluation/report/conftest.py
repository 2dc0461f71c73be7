"""A small report with every part."""

from typing import Any

import pytest

from ganport_train.evaluation.metrics import Metric


def counted(value: float, count: int = 100) -> dict[str, Any]:
    return {"value": value, "low": value - 0.05, "high": value + 0.05, "count": count}


@pytest.fixture
def report() -> dict[str, Any]:
    """Return a report of two hair colors with every part of a page."""
    metrics = {
        "accuracy_hair": Metric.over_rounds(
            "accuracy of hair", "Conditions", [0.5, 0.7], better="higher", real=0.9, unit="%"
        ),
        "judge_kernel": Metric("kernel distance x 1000", "Quality", 31.25, real=0.125),
        "spread_pixels": Metric("spread", "Diversity", 0.25, real=1.0, unit="%", note="a note"),
        "accuracy_eyes": Metric("accuracy of eyes", "Conditions", 0.8, real=0.9, unit="%"),
    }
    values = {"kernel": 2.5, "density": 0.5, "coverage": 0.75, "spread": None}
    return {
        "schema_version": 2,
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
                "generated": counted(0.6),
                "real": counted(0.9),
                "labels": {
                    "pink": {"generated": counted(0.8), "real": counted(0.95)},
                    "blue": {"generated": counted(0.4), "real": counted(0.85)},
                },
                "confusion": {
                    "labels": ["pink", "blue"],
                    "generated": [[40, 10], [30, 20]],
                    "real": [[19, 1], [0, 0]],
                },
            }
        },
        "prompt_lists": {
            "new_test": {
                "accuracy": counted(0.625, 4200),
                "requests": 32,
                "skipped": 0,
                "conditions": 84,
                "rounds": 50,
            }
        },
        "labels": [
            {"group": "hair", "label": "pink", "generated": 50, "real": 20, "metrics": values},
            {
                "group": "hair",
                "label": "rare",
                "generated": 3,
                "real": 2,
                "metrics": dict.fromkeys(values),
            },
            {
                "group": "hair",
                "label": "blue",
                "generated": 50,
                "real": 30,
                "metrics": values | {"kernel": 40.0},
            },
        ],
        "misclassified": [
            {
                "requested": "pink hair",
                "predicted": "blue hair",
                "origin": "seed 77",
                "confidence": 0.9876,
            }
        ],
        "metrics": {key: metric.to_json() for key, metric in metrics.items()},
        "headline": ["accuracy_hair", "judge_kernel", "unknown"],
        "notes": ["not the judge's data set"],
        "warnings": ["collapsed within a condition: spread 25.0%"],
    }

"""The evaluation of bundles that generate from noise: prompt lists, diversity, copies, flows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ganport_train.data.dataset import Images, Rows
from ganport_train.data.images import progress_bar
from ganport_train.evaluation.judge.accuracy import Count, group_counts
from ganport_train.evaluation.metrics import mean_interval
from ganport_train.evaluation.metrics.diversity import (
    DiversityPlan,
    evenly_spaced,
    near_duplicate_metric,
    rows_by_label,
    spread_metrics,
)
from ganport_train.evaluation.metrics.memorization import memorization_metrics
from ganport_train.evaluation.scores import condition_accuracy, flow, sheets
from ganport_train.evaluation.scores.evaluation import Evaluation, EvaluationReport
from ganport_train.evaluation.scores.sampling import (
    GeneratedRound,
    RoundPlan,
    captions,
    decode_requests,
    encodable,
    sample_vectors,
)

_MIN_SHOWN = 4  # images of a condition that is shown
_NO_LIKELIHOOD = "a bundle holds no likelihood: score the run of a flow for bits per dimension"
_NONE_HELD_OUT = "no image was held out from the flow: it is neither encoded nor measured in bits"


class GenerationEvaluation(Evaluation):
    """The evaluation of a bundle that generates; a flow also encodes."""

    def run(self) -> EvaluationReport:
        """Measure everything, in the order of the report."""
        self.num_stages = 7 if self._is_flow else 6
        self._log_stage(f"generating {self.options.rounds} x {self.options.count:,} images")
        rounds = self._generate(self._plan)
        predictions = self._predict(rounds)
        self._measure_accuracy(rounds, predictions)
        self._measure_prompt_lists()
        self._compare(rounds, predictions)
        self._log_stage("measuring diversity")
        self._measure_diversity(rounds)
        self._log_stage("looking for copies of training images")
        self._measure_memorization(rounds)
        if self._is_flow:
            self._log_stage("encoding real images")
            self._measure_flow()
        return self.report

    @property
    def _is_flow(self) -> bool:
        return "encode" in self.generator.capabilities

    @property
    def _plan(self) -> RoundPlan:
        vectors = sample_vectors(self.vectors, self.options.count)
        return RoundPlan(vectors, self.options.seed, self.options.rounds)

    def _generate(self, plan: RoundPlan) -> list[GeneratedRound]:
        return [
            plan.generate(self.generator, self.conditions, index) for index in range(plan.count)
        ]

    def _measure_prompt_lists(self) -> None:
        lists = self.dataset.test_prompts if self.conditions.groups else {}
        count, names = self.options.prompt_rounds, ", ".join(lists)
        stage = f"generating prompt lists {names} {count} times" if lists else "no prompt lists"
        self._log_stage(stage)
        self.report.fields["prompt_lists"] = {}
        seed = self._plan.next_seed
        for name, requests in lists.items():
            vectors = self.conditions.encode_many(list(requests))
            known = vectors[encodable(self.generator, self.conditions, vectors)]
            if len(known):
                plan = RoundPlan(known, seed, count)
                self._measure_prompt_list(name, plan, len(vectors) - len(known))
                seed = plan.next_seed

    def _measure_prompt_list(self, name: str, plan: RoundPlan, skipped: int) -> None:
        """Generate a prompt list in several rounds, because it has few conditions."""
        first = plan.generate(self.generator, self.conditions, 0)
        counts = [self._count_correct(first)]
        with progress_bar(f"generating {name}", plan.count - 1, "rounds") as done:
            for index in range(1, plan.count):
                generated = plan.generate(self.generator, self.conditions, index)
                counts.append(self._count_correct(generated))
                done.update()
        self.report.fields["prompt_lists"][name] = {
            "accuracy": _mean_accuracy(counts),
            "requests": len(first),
            "skipped": skipped,
            "conditions": counts[0].total,
            "rounds": plan.count,
        }
        self.report.metrics[f"prompts_{name}"] = condition_accuracy.accuracy_metric(
            f"prompt list {name}", counts, self._real_accuracy()
        )
        self.report.sheets.append(sheets.prompt_sheet(self.conditions, name, first))

    def _count_correct(self, generated: GeneratedRound) -> Count:
        outputs = self.judge.predict(generated.images).outputs
        return Count.sum(group_counts(self.conditions, outputs, generated.vectors).values())

    def _measure_diversity(self, rounds: Sequence[GeneratedRound]) -> None:
        images = self.dataset.images
        plan = DiversityPlan.of(self.conditions, self.vectors)
        seed = (self._plan.next_seed + 2**32) % 2**64  # after those of the prompt lists
        generated = [
            part.images for part in self._generate(RoundPlan(plan.vectors, seed, len(rounds)))
        ]
        real = images[self.usable[plan.real_rows]]
        self.report.metrics |= spread_metrics(plan, generated, real, self.judge.features)
        count = min(self.options.count, len(self.usable))
        self.report.metrics["near_duplicates"] = near_duplicate_metric(
            [part.images[evenly_spaced(len(part), count)] for part in rounds],
            images[self.usable[evenly_spaced(len(self.usable), count)]],
        )
        if plan.shared:
            self._add_comparison(generated[0], plan.generated, plan.real, self._plan_captions(plan))
        else:
            ours = rows_by_label(self.conditions, rounds[0].vectors)
            theirs = rows_by_label(self.conditions, self.vectors)
            names = [f"{label} {group}" for group, label in ours]
            self._add_comparison(
                rounds[0].images, list(ours.values()), list(theirs.values()), names
            )

    def _plan_captions(self, plan: DiversityPlan) -> list[str]:
        if not self.conditions.groups:
            return [""]
        return captions(self.conditions, plan.vectors[[rows[0] for rows in plan.generated]])

    def _add_comparison(
        self, images: Images, ours: Sequence[Rows], theirs: Sequence[Rows], names: Sequence[str]
    ) -> None:
        rows = [
            (list(generated), list(self.usable[real]), name)
            for generated, real, name in zip(ours, theirs, names, strict=True)
            if min(len(generated), len(real)) >= _MIN_SHOWN
        ]
        if rows:
            sheet = sheets.comparison_sheet(images, self.dataset.images, rows)
            self.report.sheets.insert(0, sheet)

    def _measure_memorization(self, rounds: Sequence[GeneratedRound]) -> None:
        train, held_out = self.dataset.split(self.options.val_fraction)
        if not len(held_out):
            return
        real, generated = self.dataset.images, [part.images for part in rounds]
        metrics, nearest = memorization_metrics(generated, real, train, held_out)
        self.report.metrics |= metrics
        self.report.sheets.append(sheets.neighbor_sheet(generated[0], real, nearest))

    def _measure_flow(self) -> None:
        rows, report = self._held_out_rows(), self.report
        if not len(rows):
            report.notes.append(_NONE_HELD_OUT)
            return
        held_out = self._select_images(rows)
        report.metrics["reconstruction"] = flow.reconstruction_metric(self.generator, held_out)
        if self.likelihood is None:
            report.notes.append(_NO_LIKELIHOOD)
            return
        training = self._select_images(np.setdiff1d(self.usable, rows))
        report.metrics |= self.likelihood.metrics(
            self.generator, held_out, training, self.options.seed
        )

    def _select_images(self, rows: Rows) -> flow.LabeledImages:
        count = min(len(rows), flow.MAX_IMAGES, self.options.count)
        chosen = rows[evenly_spaced(len(rows), count)]
        vectors = self.dataset.vectors[chosen][:, : self.conditions.size]
        requests = decode_requests(self.generator, self.conditions, vectors)
        return flow.LabeledImages(self.dataset.images[chosen], requests)


def _mean_accuracy(counts: Sequence[Count]) -> dict[str, float]:
    """Return the mean accuracy of rounds with Student's 95 % interval."""
    mean, low, high = mean_interval([count.fraction for count in counts])
    total = sum(count.total for count in counts)
    return {"value": mean, "low": low, "high": high, "count": total}

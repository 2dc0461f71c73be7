"""What discriminators with a projection head have in common."""

from __future__ import annotations

from torch import Tensor, nn

from ganport_models.network import Discriminator


class Projecting(Discriminator):
    """Base whose logit is psi(f) + <f, V c> (Miyato & Koyama 2018, section 3).

    `realism` is psi, from features (N, F) to (N, 1); `projection` is V, from a condition to (N, F).
    Where it `classifies`, `classifier` goes from features (N, F) to (N, condition_size).
    """

    realism: nn.Module
    projection: nn.Module
    classifier: nn.Module

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Logits (N,): how real the picture is, plus how well it fits the condition."""
        fit = (features * self.projection(condition)).sum(dim=1)
        logits: Tensor = self.realism(features).squeeze(1) + fit
        return logits

    def score_and_classify(self, features: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """The score, and logits (N, condition_size) of the labels that features (N, F) show."""
        return self.score(features, condition), self.classifier(features)

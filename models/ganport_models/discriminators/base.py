"""Base classes of discriminators: an auxiliary classifier, and a projection head."""

from __future__ import annotations

from torch import Tensor, nn

from ganport_models.network import Discriminator


class ClassifierDiscriminator(Discriminator):
    """A body with an adversarial head and a classifier on its features (Odena et al. 2017).

    Neither head reads the condition. A subclass sets `body`; `realism`, which returns (N, 1) or a
    map of patches (N, 1, H, W); and `classifier`, which returns (N, condition_size).
    """

    conditional = False
    classifies = True
    body: nn.Module
    realism: nn.Module
    classifier: nn.Module

    def embed(self, image: Tensor) -> Tensor:
        """Return features (N, C, H, W) of images (N, 3, H, W)."""
        features: Tensor = self.body(image)
        return features

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return logits (N,), the mean over patches; the condition is ignored."""
        logits: Tensor = self.realism(features)
        return logits.flatten(1).mean(dim=1)

    def score_and_classify(self, features: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return the score and the class logits (N, condition_size)."""
        return self.score(features, condition), self.classifier(features)


class ProjectionBase(Discriminator):
    """A discriminator with the logit psi(f) + <f, V c> (Miyato & Koyama 2018, section 3).

    `realism` is psi, from features (N, F) to (N, 1). `projection` is V, from a condition to (N, F).
    If the network `classifies`, `classifier` maps features (N, F) to (N, condition_size).
    """

    realism: nn.Module
    projection: nn.Module
    classifier: nn.Module

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Return logits (N,): the unconditional logit plus the match with the condition."""
        match = (features * self.projection(condition)).sum(dim=1)
        logits: Tensor = self.realism(features).squeeze(1) + match
        return logits

    def score_and_classify(self, features: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """Return the score and the class logits (N, condition_size) of features (N, F)."""
        return self.score(features, condition), self.classifier(features)

"""What discriminators share that look at a picture alone and then name its labels."""

from __future__ import annotations

from torch import Tensor, nn

from ganport_models.network import Discriminator


class ClassifyingDiscriminator(Discriminator):
    """A body, a head for realism, and a classifier on the same features (Odena et al. 2017).

    Neither head sees the condition. Whoever extends it sets `body`, `realism` to (N, 1) or a map of
    patches (N, 1, H, W), and `classifier` to (N, condition_size).
    """

    conditional = False
    classifies = True
    body: nn.Module
    realism: nn.Module
    classifier: nn.Module

    def embed(self, image: Tensor) -> Tensor:
        """Features (N, C, H, W) of pictures (N, 3, H, W)."""
        features: Tensor = self.body(image)
        return features

    def score(self, features: Tensor, condition: Tensor) -> Tensor:
        """Logits (N,): how real, the mean over the patches; the condition is not looked at."""
        logits: Tensor = self.realism(features)
        return logits.flatten(1).mean(dim=1)

    def score_and_classify(self, features: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """The score, and logits (N, condition_size) of the labels seen."""
        return self.score(features, condition), self.classifier(features)

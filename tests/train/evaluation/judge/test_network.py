import pytest
import torch

from ganport_train.evaluation.judge.network import MIN_RESOLUTION, JudgeNetwork


@pytest.mark.parametrize("side", [MIN_RESOLUTION, 17, 40])
@pytest.mark.parametrize("width", [4, 5])
def test_pictures_of_any_size_give_features_and_outputs(side: int, width: int) -> None:
    network = JudgeNetwork(7, width).eval()
    images = torch.randn(3, 3, side, side)
    features = network.features(images)
    assert features.shape == (3, network.size)
    assert network(images).shape == (3, 7)
    torch.testing.assert_close(network(images), network.head(features))


def test_features_are_the_averages_and_then_the_largest_values() -> None:
    network = JudgeNetwork(2, 4).eval()
    average, largest = network.features(torch.randn(4, 3, 32, 32)).chunk(2, dim=1)
    assert (largest >= average).all()
    assert (largest > average).any()
    # At the smallest size one place is left, and both are its value.
    average, largest = network.features(torch.randn(4, 3, 16, 16)).chunk(2, dim=1)
    torch.testing.assert_close(average, largest)


def test_a_gradient_reaches_every_parameter() -> None:
    network = JudgeNetwork(5, 4)
    network(torch.randn(8, 3, 32, 32)).square().sum().backward()
    still = [
        name
        for name, value in network.named_parameters()
        if value.grad is None or not value.grad.abs().sum() > 0
    ]
    assert still == []


def test_only_training_drops_features() -> None:
    torch.manual_seed(0)
    network, images = JudgeNetwork(3, 4), torch.randn(4, 3, 16, 16)
    assert not torch.equal(network(images), network(images))
    network.eval()
    assert torch.equal(network(images), network(images))

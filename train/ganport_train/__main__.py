"""The commands of the train room; each names its extra when a package of it is missing."""

from __future__ import annotations

from ganport_runtime.cli.launch import run_entry_point

TRAIN = ("click", "filelock", "numpy", "PIL", "safetensors", "tomli_w", "torch", "tqdm")
EVALUATE = ("click", "filelock", "PIL", "tqdm")


def train_gan() -> None:
    """Console script `train-gan`."""
    run_entry_point("ganport_train.cli.train:train_gan", extra="train", packages=TRAIN)


def eval_gan() -> None:
    """Console script `eval-gan`."""
    run_entry_point("ganport_train.cli.eval:eval_gan", extra="train", packages=EVALUATE)


if __name__ == "__main__":  # torchrun -m ganport_train
    train_gan()

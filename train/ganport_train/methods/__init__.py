"""Training methods, one per file, and the losses and augmentations that they share."""

"""What one training step does: one file a method, and the losses and pairs they share."""

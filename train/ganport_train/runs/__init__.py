"""The run folder, its checkpoints, metrics and recovery."""

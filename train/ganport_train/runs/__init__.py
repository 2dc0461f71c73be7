"""The run folder, its checkpoints and logs, and recovery."""

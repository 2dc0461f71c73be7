"""Training, evaluation and synthetic data of ganport."""

"""The training loop of every method: batches, EMA, sample grids, validation."""

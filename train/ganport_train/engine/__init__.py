"""What every run needs whatever its method: order, averages, checkpoints, records, sheets."""

"""The parts of a batcher: futures, the queue, the scheduler, the worker thread and statistics."""

"""What a network has to pass before anything of it is written. Every gate is hard."""

"""How good a bundle is: drawn by the runtime, seen by a judge, set beside real pictures."""

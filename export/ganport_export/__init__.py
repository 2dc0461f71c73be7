"""The export room of ganport."""

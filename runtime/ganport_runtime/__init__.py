"""The runtime room of ganport."""

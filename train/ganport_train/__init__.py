"""The train room of ganport."""

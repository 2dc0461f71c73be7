"""What invertible networks are made of: each layer knows its way back and its volume."""

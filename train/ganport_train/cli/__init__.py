"""The commands this room contributes."""

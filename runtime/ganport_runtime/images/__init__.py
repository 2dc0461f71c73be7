"""Images: encode, decode, sheets, animations."""

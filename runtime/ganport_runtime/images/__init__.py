"""Images: encoding, decoding, sheets, animations."""

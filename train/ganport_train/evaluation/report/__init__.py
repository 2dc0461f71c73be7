"""What a score looks like on a page."""

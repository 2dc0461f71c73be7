"""Local pages: the tagger of a dataset and the page of a run."""

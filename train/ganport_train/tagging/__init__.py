"""Labels that a person gives to the images of a folder: storage, undo, suggestions."""

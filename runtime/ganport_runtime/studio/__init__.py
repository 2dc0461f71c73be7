"""The studio: a web page that generates images of a bundle; the files and where they lie."""

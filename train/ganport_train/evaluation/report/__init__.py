"""Reports: HTML pages and JSON files of scores and comparisons."""

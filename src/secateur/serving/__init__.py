"""A run's models behind a page on localhost: a photo in, every model's answer out; nothing is written."""

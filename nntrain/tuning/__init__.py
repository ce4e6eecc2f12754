"""Finding settings: the learning-rate range test, and the search over keys of a config."""

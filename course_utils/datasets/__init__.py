"""Typed loaders of data/, a file a subject; each names its sets in DATASETS, and `course_utils.load` reads them."""

"""Code that an earlier lesson showed and a later one uses again; tests/test_shown.py keeps both equal."""

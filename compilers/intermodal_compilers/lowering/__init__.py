"""Passes that targets share: one file, one pure function `Pipeline -> Pipeline` each."""

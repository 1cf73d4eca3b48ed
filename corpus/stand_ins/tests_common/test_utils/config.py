"""Configuration for a while; nothing here changes any."""

from contextlib import contextmanager


@contextmanager
def conf_vars(overrides):
    """Leave the configuration as it is."""
    yield

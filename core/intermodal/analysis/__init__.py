"""Checks and facts that every target shares."""

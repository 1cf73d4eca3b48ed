"""Compilers: one room per target, and what they share."""

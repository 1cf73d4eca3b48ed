"""Names that system tests import."""

"""Findings in the forms that people and machines read; one module per form."""

"""The report of a migration: one page of HTML, or JSON."""

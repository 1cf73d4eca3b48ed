"""Moving pipelines of another system: what they become, where the results go, and the report."""

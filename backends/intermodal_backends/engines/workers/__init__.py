"""Scripts that an engine's own Python executes; each imports its engine once and forks per case."""

"""Real engines: their environments, and drivers that run compiled output in them."""

"""Real Airflow files from packages: how well they are read, translated and given back."""

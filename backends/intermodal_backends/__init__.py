"""What talks to live systems: the local engine, real engines, and backends."""

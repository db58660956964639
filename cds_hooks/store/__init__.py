"""What is kept: calls, their answers, feedback and used tokens, in SQLite or PostgreSQL."""

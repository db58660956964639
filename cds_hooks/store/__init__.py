"""What is kept: calls with their answers, feedback, who read or deleted of it, and the tokens that were used.

One database for all of a deployment's processes: SQLite (a file) or PostgreSQL, by CRD_DATABASE_URL.
"""

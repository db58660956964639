"""Why: how an order is decided, step by step."""

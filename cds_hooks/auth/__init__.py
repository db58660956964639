"""Who may call: registered clients, their tokens and keys, and how often each may call."""

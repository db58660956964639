"""What in an order points to a policy: its codes, its words, and what they leave open."""

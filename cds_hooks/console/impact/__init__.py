"""Impact: what policies would have said of many orders."""

"""What operators see: logs, metrics and traces; nothing of a patient is in any of them."""

"""The login: who is there, by a password or at a provider."""

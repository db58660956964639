"""Insights: figures of what was answered and heeded, and one call opened by who may."""

"""Scores of finished runs, and their statistics."""

"""Logged experience: D4RL, Minari and own arrays, all as `Dataset`."""

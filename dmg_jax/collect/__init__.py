"""Makes data sets: recorded trainings, tiers of quality, mazes."""

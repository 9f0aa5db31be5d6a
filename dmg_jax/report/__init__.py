"""What a finished job says about itself: statistics, tables, curves, hints."""

"""Learning algorithms, one file each: pure init, update and act."""

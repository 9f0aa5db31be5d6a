"""Learning algorithms, one file each: pure init, update and act; and the forms of DMG's."""

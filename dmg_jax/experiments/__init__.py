"""What a person runs; each module returns a typed result."""

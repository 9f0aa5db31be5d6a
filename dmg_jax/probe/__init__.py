"""What finished runs know off their data: rays, returns, distances, changed worlds."""

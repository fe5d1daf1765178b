"""What the families stand on: the frontier, the family type, the recognition."""

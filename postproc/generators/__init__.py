"""What writes C behind the heads: one GENERATOR a file, found by itself."""

"""What one chip with one compiler version can run: one YAML each, read by `loader.load_target`."""

"""C from templates: rendered here, compiled and called where a compiler is present."""

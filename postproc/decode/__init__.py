"""From a detector's head maps to boxes: the values and numbers of the generated C, its reference, and its caller."""

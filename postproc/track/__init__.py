"""The BYTE tracker: boxes of one frame after the other in, tracks with ids out."""

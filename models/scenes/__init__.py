"""Synthetic street scenes with ground truth: walking people and cars, occlusion, clutter, camera shake; no torch.

`scene.Scene` draws frames and knows the boxes, identities and visibility of what it drew. Everything follows from a
seed through integer drawing and arithmetic that IEEE 754 fixes (+ - * /), so that a frame is the same on any machine.
"""

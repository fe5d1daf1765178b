"""Accuracy without labels: a rewritten network learns from the original, in closed form and by gradients.

With models/ the only home of torch, which the `retrain` extra installs.
"""

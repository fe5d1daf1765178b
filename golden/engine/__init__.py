"""Engines that run a Program: `oracle`, slow and plain, and `fast`, equal to it in every bit and every count."""

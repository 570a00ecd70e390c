"""Training: fits the interest model and the second stage, and chooses on validation."""

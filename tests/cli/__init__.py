"""Commands, as people run them."""

"""Bad input at every entrance: a clear error, a rejected row, or the right answer."""

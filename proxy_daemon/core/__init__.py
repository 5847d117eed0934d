"""What the bytes mean: values and functions without input or output."""

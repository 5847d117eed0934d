"""The way of an exchange through the hooks."""

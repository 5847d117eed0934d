"""What a page shows of a stored exchange: pure functions from recordings to values that JSON can hold."""

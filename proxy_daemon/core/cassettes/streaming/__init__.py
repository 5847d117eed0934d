"""Files of any size, entry by entry: where one ends and the next begins, in each kind of text."""

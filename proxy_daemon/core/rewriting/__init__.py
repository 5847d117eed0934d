"""Text, requests and answers changed by rule, and not one octet more."""

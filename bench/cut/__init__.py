"""How long it takes to cut a text, and how that grows with its length."""

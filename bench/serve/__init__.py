"""How fast cached answers are, and what many questions at once do."""

"""The handlers that kopf calls, and the rounds for each pipeline."""

"""Updates the operator's memory, which is in the status, with the reports of Jobs. Pure."""

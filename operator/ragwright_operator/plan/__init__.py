"""Plans the next steps. Pure."""

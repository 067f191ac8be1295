"""The status, derived anew from what is observed. Pure."""

"""Decides which build and which swap are wanted. Pure."""

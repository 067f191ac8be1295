"""The world around one pipeline: raw objects read into facts. Pure."""

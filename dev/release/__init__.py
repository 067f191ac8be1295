"""A release: image and chart pushed, a list of what is inside, checksums and signatures."""

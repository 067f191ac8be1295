"""The only I/O: Kubernetes, and the pipelines' internal port."""

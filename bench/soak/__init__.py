"""A long mixture of questions over swaps, restarts of Redis and replicas that are killed."""

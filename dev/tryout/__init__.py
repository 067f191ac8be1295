"""`make try`: questions to a folder of documents, on this machine alone, without a cluster."""

"""Problems of a pipeline, each found where it shows. Pure."""

"""The process: connections, workers, and how they stop."""

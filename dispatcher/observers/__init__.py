"""Who is told of each settlement: the log first."""

"""Templates on disk become texts: found, compiled, kept while their files stay the same, rendered within limits."""

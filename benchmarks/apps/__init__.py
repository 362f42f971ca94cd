"""The contenders: for each library a program that does the same work, in the form that its own docs recommend."""

"""The vocabulary: plain values that every other floor speaks in. No input, no output, no clock."""

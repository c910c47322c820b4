"""What detectors measure with: limits with memory, trends, windows, series of Prometheus."""

"""The configuration file: a section for each part of the product, checked at the start."""

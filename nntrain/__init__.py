"""nntrain trains neural networks from a YAML file, in NumPy."""

__version__ = "0.1.0"

"""Export: a trained network as a file that other programs can run."""

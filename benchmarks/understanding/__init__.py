"""How well the desk classifies, masks and recognises: `python -m benchmarks.understanding`."""

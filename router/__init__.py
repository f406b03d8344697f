"""THE BRAIN. Decides and does nothing: values in, values out; no clock, network, database or broker."""

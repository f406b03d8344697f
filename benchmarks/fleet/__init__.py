"""A fleet in network namespaces: separate hosts on one machine, whose parts and connections fail under load."""

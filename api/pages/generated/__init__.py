"""What a model wrote for agents, on the page of its conversation."""

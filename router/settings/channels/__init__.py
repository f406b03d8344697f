"""The settings of channels: `base` has what all kinds share, `kinds` the list of them, each other module its kinds."""

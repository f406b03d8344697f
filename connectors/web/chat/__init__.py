"""The online chat on the operator's own site: what a visitor sends, as a message."""

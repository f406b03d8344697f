"""The tables of messengers that push, each at its own provider."""

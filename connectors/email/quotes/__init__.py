"""Separate the new words of a mail from what it quotes."""

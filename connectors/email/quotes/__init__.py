"""The new words of a mail, apart from what it quotes."""

"""What the desk says of names and sentences that are not its own: of the file, of danger words, of the program."""

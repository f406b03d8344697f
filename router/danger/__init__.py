"""Whether a message tells of a danger: by the operator's words, by pairs of meanings, and by what was learnt."""

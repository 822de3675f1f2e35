"""The race on the article's example: whole programs, ours and those of peers, each in an environment of its own."""

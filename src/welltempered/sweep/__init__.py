"""The learning-rate range test: what the curve says (`curve`), where to look (`plan`), and the training (`torch`)."""

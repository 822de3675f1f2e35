"""What is built for a framework: optimizers and schedules of PyTorch, schedules of Keras."""

"""The demo, and an example of training code.

`data` loads small images, `train` holds the network, its space and its training loop.
"""

"""The peers of the tables: a script per peer, in the peer's own environment; they speak as `wire.py` says.

`methods.py` lists the methods; nothing here imports welltempered, and only `methods`, `encoding`, `wire` and
`evaluations` can be imported without a peer.
"""

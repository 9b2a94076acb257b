"""Bytes to fal and back: where a request goes, the WebSocket, the protocol on it, its reuse, and files by HTTP.

It imports errors and safety only, and nothing else in the house opens a connection. Begin with `protocol`, which has
the state of a connection and what may come when.
"""

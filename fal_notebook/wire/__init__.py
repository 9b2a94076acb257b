"""Bytes to fal and back: a request's address and key, the WebSocket, fal's protocol, pools, and files by HTTP.

It imports only errors and safety, and no other wing opens a connection. Begin with `protocol`, which has the states of
a connection and the messages that may come in each.
"""

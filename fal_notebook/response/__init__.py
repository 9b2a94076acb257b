"""Sans-I/O: what the bytes of an answer mean, wherever they are cut: events, JSON, text, files.

It may import schema. It knows neither threads nor pages, so that everything here can be tested with bytes alone. Begin
with `content`, which takes the bytes, and `updates`, which it returns.
"""

"""Sans-I/O: what the bytes of an answer mean, cut anywhere: events, JSON, words, files.

It may import media. It knows neither threads nor pages, so that everything here can be tested with bytes alone. Begin
with `content`, to which the bytes go, and `updates`, which come out of it.
"""

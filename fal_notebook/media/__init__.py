"""A picture, a recording, a video or another file: its type, its size, and where it is saved.

It may import the wire, which downloads a file from its URL. Begin with `media`.
"""

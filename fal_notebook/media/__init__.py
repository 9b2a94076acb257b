"""A picture, a recording, a video or another file: what it is, how large, and where it is put.

It may import the wire, which fetches what is named by a URL. Begin with `media`.
"""

"""An answer as what Jupyter keeps: safe HTML, text, players and pictures, by MIME type.

It may import media. It shows nothing itself, and needs no kernel. Begin with `bundles`.
"""

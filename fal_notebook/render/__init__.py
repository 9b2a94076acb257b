"""Turns an answer into MIME bundles, the data that Jupyter displays and saves: safe HTML, text, players, pictures.

This wing may import schema and what is below it. It displays nothing itself, and needs no kernel. Begin with `bundles`.
"""

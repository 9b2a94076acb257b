"""What servers and models send, made harmless: text, the key in it, file names, compressed bodies, JSON.

It imports nothing else of the package, and every other wing may import it. Begin with `plain_text`.
"""

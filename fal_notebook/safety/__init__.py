"""What others say or name, made harmless: words, the key in them, files' names, packed and nested data.

It imports nothing of the house, and anything in the house may import it. Begin with `plain_text`.
"""

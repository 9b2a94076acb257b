"""The prompt widget: a conversation in Python, and the page's part of it in prompt.js and prompt.css.

It may import display and what is below it. Begin with `widget`.
"""

"""The prompt widget: a conversation in Python, and the page's part of it in the folder `page`.

It may import display and what is below it. Begin with `widget`, and in the page with view.js.
"""
